// The chat: the list, one conversation, the composer, the panel. It asks the channel and shows what comes.

import { Composer } from "./composer.js";
import { Dialog } from "./dialog.js";
import { announce, button, element, show } from "./dom.js";
import { explain } from "./explain.js";
import { visible } from "./inline.js";
import { ModelMenu } from "./models.js";
import { showPanel } from "./panel.js";
import { Sidebar } from "./sidebar.js";
import { S } from "./strings.js";
import { Turn } from "./turn.js";

const NEAR_END = 60; // Pixels: who is this close to the end is following the answer.
const LOCKED = new Set([401, 403]);

export class Chat {
    // `onLocked(draft)` is called when the node no longer knows this session; `onLock()` when the person locks it.
    constructor(channel, opened, { onLock, onLocked }, draft = "") {
        Object.assign(this, { channel, opened, onLock, onLocked });
        this.conversation = null; // Its id; null before the first message.
        this.left = false; // Whether the unlock screen took over.
        this.answer = null; // What runs: { stopped, begun }.
        this.composer = new Composer(draft, (text) => this.send(text), () => this.stop());
        this.dialog = new Dialog();
        this.sidebar = new Sidebar(opened.name, {
            onNew: () => this.fresh(!opened.keep), onVeiled: () => this.fresh(true), onOpen: (id) => this.open(id), onLock: () => this.lock(),
        });
        this.turns = element("div", { class: "turns", role: "region", tabindex: 0, "aria-label": S.chat.messages });
        this.title = element("h1", { class: "title" });
        this.models = new ModelMenu(() => !this.conversation && this.fresh(this.veiled));
        this.note = element("p", { class: "note", role: "status" });
        this.panel = element("aside", { class: "panel", id: "panel", hidden: true, "aria-label": S.panel.title });
        this.eye = button("eye", S.chat.evidence, () => this.showPanel(this.panel.hidden));
        this.eye.setAttribute("aria-controls", "panel");
        this.eye.setAttribute("aria-expanded", "false");
        this.bin = button("bin", S.chat.delete, () => this.confirmDelete());
        const header = element("header", {}, this.sidebar.toggle, this.title, this.models.node, this.bin, this.eye);
        this.main = element("section", { class: "chat", onclick: () => this.sidebar.open(false) },
            header, this.turns, this.note, this.composer.node);
        this.sidebar.toggle.addEventListener("click", (event) => event.stopPropagation());
    }

    async start() {
        const frame = element("div", { class: "frame" }, this.sidebar.node, this.main, this.panel);
        frame.addEventListener("keydown", (event) => event.key === "Escape" && this.escape());
        const known = await this.guard(async () => {
            this.models.show((await this.channel.ask("models")).models);
            await this.refresh();
        });
        if (this.left) return;
        show(frame, this.dialog.node);
        if (known) this.fresh(!this.opened.keep);
    }

    // Does something that talks to the node and says whether it went well. A session that is locked (401), or out of step with the
    // node so that no request opens any more (403), goes to the unlock screen, with the draft.
    async guard(work) {
        try {
            await work();
            return true;
        } catch (error) {
            if (LOCKED.has(error.status)) {
                this.left = true;
                this.onLocked(this.composer.draft);
            } else this.say(this.answer?.begun && !error.code ? S.chat.cut : explain(error));
            return false;
        }
    }

    say(text) {
        this.note.textContent = text;
    }

    async refresh() {
        const { conversations } = await this.channel.ask("conversations");
        this.sidebar.show(conversations, this.conversation);
    }

    // Shows an empty page for a conversation that is made with its first message.
    fresh(veiled) {
        if (this.answer) return;
        this.enter(null, "", veiled);
        const suggestions = this.models.isGuide ? S.chat.tryThese : [];
        this.turns.replaceChildren(element("div", { class: "empty" }, element("p", {}, S.chat.empty),
            ...suggestions.map((text) => element("button", { class: "outlined suggestion", onclick: () => this.send(text) }, text))));
        this.sidebar.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    }

    async open(id) {
        if (this.answer) return;
        await this.guard(async () => {
            const { title, kept, turns } = await this.channel.ask("conversations.read", id);
            this.enter(id, title, !kept);
            this.turns.replaceChildren();
            for (const turn of turns) this.add(turn.role, turn.model).append(turn.text).note(turn.stopped ? "stopped" : null);
            this.turns.scrollTop = this.turns.scrollHeight;
            await this.refresh();
        });
    }

    enter(id, title, veiled) {
        this.conversation = id;
        this.veiled = veiled;
        this.main.classList.toggle("veiled", veiled);
        this.title.textContent = visible(title || (veiled ? S.chat.offRecord : S.chat.untitled));
        this.say(veiled ? S.chat.offRecordHint : "");
        this.bin.hidden = !id;
        this.sidebar.open(false);
        this.composer.focus();
    }

    add(role, model) {
        const turn = new Turn(role, role === "user" ? S.chat.you : this.models.speaker(model), (url) => this.confirmLink(url));
        this.turns.append(turn.node);
        return turn;
    }

    async send(text) {
        this.turns.querySelector(".empty")?.remove();
        this.say(this.veiled ? S.chat.offRecordHint : "");
        this.answer = { stopped: false, begun: false };
        this.composer.answering(true);
        const asked = this.add("user").append(text);
        const turn = this.add("assistant");
        turn.working(true);
        this.turns.scrollTop = this.turns.scrollHeight;
        announce(S.chat.answering);
        await this.guard(() => this.receive(text, turn).catch((error) => {
            this.takeBack(text, asked, turn);
            throw error;
        }));
        turn.working(false);
        this.answer = null;
        this.composer.answering(false);
        if (!this.main.isConnected) return;
        await this.guard(() => this.refresh());
        if (!this.panel.hidden) await this.guard(() => this.fillPanel());
        if (this.composer.node.contains(document.activeElement) || document.activeElement === document.body) this.composer.focus();
    }

    async receive(text, turn) {
        this.conversation ??= (await this.channel.ask("conversations.create", null, { offRecord: this.veiled })).id;
        const request = { text, model: this.models.chosen };
        for await (const { loading, started, text: more, done } of this.channel.stream("conversations.send", this.conversation, request)) {
            if (loading) this.say(S.models.loading(Math.floor((loading.done * 100) / loading.total)));
            if (started) {
                this.say(this.veiled ? S.chat.offRecordHint : "");
                this.answer.begun = true;
                if (this.answer.stopped) this.stop();
                if (started.droppedTurns) this.say(S.chat.dropped(started.droppedTurns));
            }
            if (more) this.following(() => turn.append(more));
            if (done) this.finish(turn, done);
        }
    }

    finish(turn, { reason, title }) {
        this.following(() => turn.note(reason));
        if (title) this.title.textContent = visible(title);
        this.bin.hidden = false;
        announce(turn.text);
    }

    // A message that did not reach the disk goes back to where it was written; what did, stays with what came of its answer.
    takeBack(text, asked, turn) {
        if (!turn.text) turn.node.remove();
        if (this.answer.begun) return;
        asked.node.remove();
        this.composer.draft = [text, this.composer.draft].filter(Boolean).join("\n");
    }

    // Before the answer has begun there is nothing to stop yet; then it is stopped as soon as it has.
    stop() {
        this.answer.stopped = true;
        if (this.answer.begun) this.guard(() => this.channel.ask("conversations.stop", this.conversation));
    }

    // Keeps the end in view only for who is there already.
    following(change) {
        const { scrollHeight, scrollTop, clientHeight } = this.turns;
        change();
        if (scrollHeight - scrollTop - clientHeight < NEAR_END) this.turns.scrollTop = this.turns.scrollHeight;
    }

    confirmDelete() {
        if (!this.conversation || this.answer) return;
        const content = [element("p", {}, S.chat.confirmDeleteText)];
        this.dialog.ask({ title: S.chat.confirmDelete, content, yes: S.chat.really, no: S.chat.keepIt }, () => this.guard(async () => {
            const { receipt } = await this.channel.ask("conversations.delete", this.conversation);
            await this.refresh();
            this.fresh(!this.opened.keep);
            this.say(S.chat.receipt(receipt));
        }));
    }

    confirmLink(url) {
        const content = [element("p", {}, S.link.to), element("p", { class: "host" }, url.host), element("p", { class: "address" }, url.href)];
        this.dialog.ask({ title: S.link.title, content, yes: S.link.open, no: S.link.stay }, () => window.open(url.href, "_blank", "noopener,noreferrer"));
    }

    async showPanel(on) {
        this.panel.hidden = !on;
        this.eye.setAttribute("aria-expanded", String(on));
        if (on) await this.guard(() => this.fillPanel());
        (on ? this.closePanel : this.eye)?.focus();
    }

    fillPanel() {
        this.closePanel ??= button("close", S.chat.close, () => this.showPanel(false));
        return showPanel(this.panel, this.channel, this.closePanel);
    }

    escape() {
        if (!this.panel.hidden) this.showPanel(false);
        else if (this.sidebar.isOpen) this.sidebar.open(false);
    }

    // Whatever the node says or fails to say, this browser lets its key go.
    async lock() {
        await this.channel.ask("lock").catch(() => {});
        this.onLock();
    }
}
