// The list of conversations, and the doors to a new one and out.

import { button, element, icon } from "./dom.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";

export class Sidebar {
    constructor(name, { onNew, onVeiled, onOpen, onLock }) {
        this.onOpen = onOpen;
        this.list = element("ul", { class: "list" });
        this.node = element("nav", { class: "side", id: "side", "aria-label": S.chat.list },
            element("div", { class: "mark" }, icon("arch"), element("span", {}, S.name)),
            element("button", { class: "new", onclick: onNew }, icon("plus"), S.chat.new),
            element("button", { class: "new soft", onclick: onVeiled }, icon("veil"), S.chat.offRecord),
            this.list,
            element("div", { class: "who" }, element("span", {}, visible(name)), button("lock", S.chat.lock, onLock)));
        this.toggle = button("menu", S.chat.list, () => this.open(!this.isOpen));
        this.toggle.setAttribute("aria-controls", "side");
        this.open(false);
    }

    // Matters on a narrow screen, where the list lies over the chat.
    open(on) {
        this.isOpen = on;
        this.node.classList.toggle("open", on);
        this.toggle.setAttribute("aria-expanded", String(on));
    }

    show(conversations, current) {
        this.list.replaceChildren(...conversations.filter(({ turns }) => turns > 0).map((conversation) =>
            element("li", {}, element("button",
                { "aria-current": conversation.id === current ? "page" : null, onclick: () => this.onOpen(conversation.id) },
                element("span", {}, visible(conversation.title || S.chat.untitled)),
                conversation.kept ? null : icon("veil", S.chat.offRecord)))));
    }
}
