// One turn on the page: who speaks, and what was said.

import { element } from "./dom.js";
import { visible } from "./inline.js";
import { MarkdownView } from "./markdown.js";
import { S } from "./strings.js";

export class Turn {
    // `ask(url)` is called when a link of an answer is pressed.
    constructor(role, speaker, ask) {
        this.body = element("div", { class: "body" });
        this.node = element("article", { class: `turn ${role}` }, element("h2", { class: "speaker" }, speaker), this.body);
        this.view = role === "user" ? null : new MarkdownView(this.body, ask);
        this.text = "";
    }

    append(text) {
        this.text += text;
        if (this.view) this.view.update(this.text.trimStart());
        else this.body.append(element("p", {}, visible(text)));
        return this;
    }

    working(on) {
        this.node.classList.toggle("working", on);
        this.node.setAttribute("aria-busy", String(on));
    }

    // Why an answer is shorter than it might have been.
    note(reason) {
        const text = { stopped: S.chat.stopped, length: S.chat.tooLong }[reason];
        if (text) this.node.append(element("small", { class: "ended" }, text));
    }
}
