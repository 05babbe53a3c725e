// One turn on the page: who speaks, what was said, and what can be done with it.

import { button, element } from "./dom.js";
import { visible } from "./inline.js";
import { MarkdownView } from "./markdown.js";
import { S } from "./strings.js";

export class Turn {
    // `ask(url)` is called when a link of an answer is pressed; `doing` names what else can be done: { edit, canEdit, retry, goOn }.
    constructor(role, speaker, ask, doing = {}) {
        this.role = role;
        this.doing = doing;
        this.sequence = null; // Its place in the conversation, once that is known.
        this.speaker = element("h2", { class: "speaker" }, speaker);
        this.body = element("div", { class: "body" });
        this.foot = element("div", { class: "foot-row" });
        this.node = element("article", { class: `turn ${role}` }, this.speaker, this.body, this.foot);
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

    // Shows what can be done now that the turn is complete: `reason` is why an answer ended, `last` whether nothing follows.
    complete({ reason = null, last = false, facts = null } = {}) {
        const said = { stopped: S.chat.stopped, length: S.chat.tooLong }[reason];
        const { edit, retry, goOn } = this.doing;
        this.foot.replaceChildren(...[
            said && element("small", { class: "ended" }, said),
            button("copy", S.turn.copy, () => this.copy()),
            this.role === "user" && edit && button("pen", S.turn.edit, () => this.edit()),
            this.role === "assistant" && last && retry && button("again", S.turn.retry, retry),
            this.role === "assistant" && last && goOn && reason && reason !== "stop" && button("on", S.turn.goOn, goOn),
            facts && button("clock", S.turn.facts, () => this.tell(facts)),
        ].filter(Boolean));
        return this;
    }

    async copy() {
        await navigator.clipboard.writeText(this.text);
        this.tell(S.turn.copied);
    }

    // Something about the turn, beside what can be done with it.
    tell(text) {
        this.said ??= element("small", { role: "status" });
        this.said.textContent = text;
        this.foot.append(this.said);
    }

    // Turns the message back into a field; sending it takes the message's place and that of everything after it.
    edit() {
        const input = element("textarea", { class: "edit", "aria-label": S.turn.edit, rows: 1 });
        input.value = this.text;
        const leave = () => {
            field.replaceWith(this.body);
            this.foot.hidden = false;
        };
        // While an answer runs nothing is sent, and the text stays where it was written.
        const send = () => {
            const text = input.value.trim();
            if (!text || !this.doing.canEdit()) return;
            leave();
            this.doing.edit(text);
        };
        const field = element("form", { class: "editing", onsubmit: (event) => (event.preventDefault(), send()) }, input,
            element("div", { class: "buttons" },
                element("button", { type: "button", class: "quiet", onclick: leave }, S.turn.leave),
                element("button", { class: "primary" }, S.turn.resend)));
        field.addEventListener("keydown", (event) => {
            if (event.key === "Escape") return event.stopPropagation(), leave();
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) return event.preventDefault(), send();
        });
        this.foot.hidden = true;
        this.body.replaceWith(field);
        input.focus();
    }
}
