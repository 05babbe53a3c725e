// What was written and not sent, by conversation. The cell keeps it until the vault is locked; this browser writes none of it down.
// What is written for an off-the-record chat that has not begun stays in this window.

const PAUSE = 400; // Milliseconds without typing before a draft is handed over.
const VEILED = "veiled";
const NEXT = "0".repeat(32); // The conversation that has not begun.

export class Drafts {
    // `ask(action, object, content)` reaches the cell.
    constructor(ask) {
        this.ask = ask;
        this.texts = {};
        this.timers = {};
    }

    async restore() {
        const { drafts } = await this.ask("drafts");
        this.texts = { ...drafts, ...this.texts };
    }

    nameOf({ id, veiled }) {
        return id ?? (veiled ? VEILED : NEXT);
    }

    get(conversation) {
        return this.texts[this.nameOf(conversation)] ?? "";
    }

    set(conversation, text) {
        const name = this.nameOf(conversation);
        this.texts[name] = text;
        clearTimeout(this.timers[name]);
        if (name !== VEILED) this.timers[name] = setTimeout(() => this.hand(name), PAUSE);
    }

    // A draft that does not reach the cell is still in this window.
    hand(name) {
        return this.ask("drafts.keep", name === NEXT ? null : name, { text: this.texts[name] }).catch(() => {});
    }

    stop() {
        for (const timer of Object.values(this.timers)) clearTimeout(timer);
    }
}
