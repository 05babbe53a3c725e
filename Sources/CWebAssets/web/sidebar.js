// The list of conversations, and the doors to a new one, to what was said, to what is yours, and out.

import { button, element, icon } from "./dom.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";

export class Sidebar {
    constructor(name, { onNew, onVeiled, onOpen, onFind, onYours, onLock }) {
        this.onOpen = onOpen;
        this.tag = null; // Only conversations filed under this are listed; null for all.
        this.list = element("ul", { class: "list" });
        this.tags = element("div", { class: "tags", role: "group", "aria-label": S.chat.tags });
        this.node = element("nav", { class: "side", id: "side", "aria-label": S.chat.list },
            element("div", { class: "mark" }, icon("arch"), element("span", {}, S.name)),
            element("button", { class: "new", onclick: onNew }, icon("plus"), S.chat.new),
            element("button", { class: "new soft", onclick: onVeiled }, icon("veil"), S.chat.offRecord),
            element("button", { class: "new soft", onclick: onFind }, icon("find"), S.chat.find, element("kbd", {}, S.chat.shortcut)),
            this.tags, this.list,
            element("div", { class: "who" }, element("button", { class: "name", title: S.yours.title, onclick: onYours }, icon("person"), visible(name)),
                button("lock", S.chat.lock, onLock)));
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

    // Pinned ones first; within both, the newest first.
    show(conversations, current) {
        Object.assign(this, { conversations, current });
        const begun = conversations.filter(({ turns, damaged }) => turns > 0 || damaged);
        const tags = [...new Set(begun.flatMap(({ arrangement }) => arrangement.tags))].sort();
        if (!tags.includes(this.tag)) this.tag = null;
        this.tags.replaceChildren(...tags.map((tag) => element("button", { class: "tag", "aria-pressed": String(tag === this.tag), onclick: () => this.choose(tag) }, visible(tag))));
        this.tags.hidden = tags.length === 0;
        const listed = begun.filter(({ arrangement }) => !this.tag || arrangement.tags.includes(this.tag));
        this.list.replaceChildren(...[true, false].flatMap((pinned) => listed.filter(({ arrangement }) => arrangement.pinned === pinned)).map((conversation) => this.row(conversation)));
        this.mark(current);
    }

    choose(tag) {
        this.tag = tag === this.tag ? null : tag;
        this.show(this.conversations, this.current);
    }

    row({ id, title, kept, arrangement, damaged }) {
        return element("li", {}, element("button", { "data-id": id, onclick: () => this.onOpen(id) },
            element("span", {}, damaged ? S.chat.damaged : visible(title || S.chat.untitled)),
            arrangement.pinned ? icon("pin", S.chat.pinned) : null, kept ? null : icon("veil", S.chat.offRecord)));
    }

    // Marks the conversation that is shown.
    mark(id) {
        this.current = id;
        this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
        if (id) this.list.querySelector(`[data-id="${id}"]`)?.setAttribute("aria-current", "page");
    }
}
