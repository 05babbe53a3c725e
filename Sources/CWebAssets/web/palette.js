// One field for everything: what can be done, which conversation to open, what was said. Ctrl+K or ⌘K.

import { element } from "./dom.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";

const PAUSE = 250; // Milliseconds without typing before every conversation is searched.
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export class Palette {
    // `search(text)` streams hits, `commands()` and `conversations()` list what there is now, `onOpen(id, sequence)` opens one.
    constructor({ search, commands, conversations, onOpen }) {
        Object.assign(this, { search, commands, conversations, onOpen, items: [], chosen: 0 });
        this.input = element("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
            "aria-label": S.palette.label, placeholder: S.palette.label, autocomplete: "off", spellcheck: "false", oninput: () => this.fill() });
        this.list = element("ul", { id: "palette-list", role: "listbox", "aria-label": S.palette.label });
        this.state = element("p", { class: "hint", role: "status" });
        this.node = element("dialog", { class: "palette", "aria-label": S.palette.label }, this.input, this.list, this.state);
        this.node.addEventListener("keydown", (event) => this.press(event));
        this.node.addEventListener("click", (event) => event.target === this.node && this.node.close());
        this.node.addEventListener("close", () => clearTimeout(this.timer));
        this.shortcut = (event) => {
            if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
            event.preventDefault();
            if (this.node.open) this.node.close();
            else this.open();
        };
        addEventListener("keydown", this.shortcut);
    }

    stop() {
        removeEventListener("keydown", this.shortcut);
        if (this.node.open) this.node.close();
    }

    // `>` before the text shows only what can be done.
    open(text = "") {
        this.input.value = text;
        this.node.showModal();
        this.fill();
    }

    fill() {
        clearTimeout(this.timer);
        const onlyCommands = this.input.value.startsWith(">");
        const text = this.input.value.replace(/^>/, "").trim();
        const matching = (label) => plain(text).split(/\s+/).every((word) => plain(label).includes(word));
        const done = this.commands().filter(({ label }) => matching(label)).map(({ label, work }) => ({ label, work }));
        const opened = onlyCommands ? [] : this.conversations().filter(({ title, turns, arrangement }) => turns > 0 && matching(`${title} ${arrangement.tags.join(" ")}`)).slice(0, 12)
            .map(({ id, title }) => ({ label: visible(title || S.chat.untitled), kind: S.palette.conversation, work: () => this.onOpen(id) }));
        this.show(text && !onlyCommands ? [...opened, ...done] : [...done, ...opened]);
        this.state.textContent = "";
        if (text.length >= 2 && !onlyCommands) this.timer = setTimeout(() => this.find(text), PAUSE);
    }

    show(items) {
        this.items = items;
        this.list.replaceChildren(...items.map((item, index) => this.row(item, index)));
        this.choose(0);
    }

    row({ label, kind = null, excerpt = null, work }, index) {
        return element("li", { id: `palette-${index}`, role: "option", onclick: () => this.run(work), onpointermove: () => this.choose(index) },
            element("span", {}, label), kind && element("small", {}, kind), excerpt);
    }

    // What was said, as it is found.
    async find(text) {
        try {
            for await (const { searched, of, hit, found, skipped, complete } of this.search(text)) {
                if (this.input.value.trim() !== text || !this.node.open) return;
                if (searched !== undefined) this.state.textContent = S.palette.searching(searched, of);
                if (hit) this.add(hit);
                if (found !== undefined) this.state.textContent = S.palette.found(found, complete, skipped);
            }
        } catch {
            this.state.textContent = S.palette.failed;
        }
    }

    add({ conversation, title, sequence, before, match, after }) {
        const excerpt = element("em", {}, visible(`…${before}`), element("mark", {}, visible(match)), visible(`${after}…`));
        const item = { label: visible(title || S.chat.untitled), kind: S.palette.said, excerpt, work: () => this.onOpen(conversation, sequence) };
        this.items.push(item);
        this.list.append(this.row(item, this.items.length - 1));
        if (this.items.length === 1) this.choose(0);
    }

    choose(index) {
        this.list.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
        this.chosen = Math.max(0, Math.min(index, this.items.length - 1));
        const row = this.list.children[this.chosen];
        row?.setAttribute("aria-selected", "true");
        this.input.setAttribute("aria-activedescendant", row?.id ?? "");
    }

    press(event) {
        const steps = { ArrowDown: 1, ArrowUp: -1 };
        if (event.key in steps) {
            event.preventDefault();
            this.choose(this.chosen + steps[event.key]);
            this.list.children[this.chosen]?.scrollIntoView({ block: "nearest" });
        } else if (event.key === "Enter" && !event.isComposing) {
            event.preventDefault();
            if (this.items[this.chosen]) this.run(this.items[this.chosen].work);
        } else if (event.key === "Escape") event.stopPropagation();
    }

    run(work) {
        this.node.close();
        work();
    }
}
