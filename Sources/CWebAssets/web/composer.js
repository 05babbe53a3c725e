// Where a message is written: Enter sends, Shift+Enter makes a line, the button stops while an answer runs.

import { element, icon } from "./dom.js";
import { S } from "./strings.js";

export class Composer {
    // `onDraft(text)` is called when what is written has changed.
    constructor(draft, { onSend, onStop, onDraft }, ...below) {
        Object.assign(this, { onSend, onStop, onDraft });
        this.busy = false;
        this.input = element("textarea", { rows: 1, placeholder: S.chat.placeholder, "aria-label": S.chat.placeholder, oninput: () => onDraft(this.draft) });
        this.button = element("button", { class: "send", type: "button", onclick: () => this.press() });
        this.node = element("div", { class: "composer" }, element("div", { class: "field-row" }, this.input, this.button), ...below);
        this.input.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            if (!this.busy) this.press();
        });
        this.draft = draft;
        this.answering(false);
    }

    get draft() {
        return this.input.value;
    }

    set draft(text) {
        this.input.value = text;
    }

    // Gives a message that was not taken back to who wrote it.
    give(text) {
        this.draft = [text, this.draft].filter(Boolean).join("\n");
        this.onDraft(this.draft);
    }

    focus() {
        this.input.focus();
    }

    answering(busy) {
        this.busy = busy;
        const label = busy ? S.chat.stop : S.chat.send;
        this.button.replaceChildren(icon(busy ? "stop" : "send"));
        this.button.setAttribute("aria-label", label);
        this.button.title = label;
    }

    press() {
        if (this.busy) return this.onStop();
        const text = this.draft.trim();
        if (!text) return this.focus();
        this.draft = "";
        this.onDraft("");
        this.onSend(text);
    }
}
