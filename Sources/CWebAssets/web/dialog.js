// A question over the page: one thing to do, one way to leave it.

import { element } from "./dom.js";

export class Dialog {
    constructor() {
        this.heading = element("h2", { id: "dialog-title" });
        this.content = element("div");
        this.no = element("button", { class: "quiet", onclick: () => this.node.close() });
        this.yes = element("button", { class: "primary" });
        this.node = element("dialog", { "aria-labelledby": "dialog-title" }, this.heading, this.content,
            element("div", { class: "buttons" }, this.no, this.yes));
    }

    // `first`: what has the focus at first; by default leaving.
    ask({ title, content = [], yes, no, first = this.no }, work) {
        this.heading.textContent = title;
        this.content.replaceChildren(...content);
        this.yes.textContent = yes;
        this.no.textContent = no;
        this.yes.onclick = () => {
            this.node.close();
            work();
        };
        this.node.showModal();
        first.focus();
    }
}
