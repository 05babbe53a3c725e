// What was written and not sent, by conversation. It is sealed under the channel's key before this browser keeps it, so that it is
// there after a reload and gone with the session.

import { openDrafts, sealDrafts } from "./channel.js";
import { keep, read } from "./session.js";

const PAUSE = 400; // Milliseconds without typing before drafts are kept.

export class Drafts {
    constructor(key) {
        this.key = key;
        this.texts = {};
    }

    async restore() {
        const sealed = await read("drafts");
        this.texts = (sealed && (await openDrafts(this.key, sealed).catch(() => null))) ?? {};
    }

    get(conversation) {
        return this.texts[conversation ?? ""] ?? "";
    }

    set(conversation, text) {
        const name = conversation ?? "";
        if (text) this.texts[name] = text;
        else delete this.texts[name];
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.store(), PAUSE);
    }

    async store() {
        await keep("drafts", await sealDrafts(this.key, this.texts));
    }
}
