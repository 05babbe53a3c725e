// The frame: the list, one conversation, the composer, the panel, and what the person can do with them.

import { Tampered } from "./channel.js";
import { Composer } from "./composer.js";
import { commands } from "./commands.js";
import { ContextMeter } from "./meter.js";
import { Conversation } from "./conversation.js";
import { Dialog } from "./dialog.js";
import { Drafts } from "./drafts.js";
import { button, element, show } from "./dom.js";
import { explain } from "./explain.js";
import { IdleTimer } from "./idle.js";
import { ModelMenu } from "./models.js";
import { Palette } from "./palette.js";
import { showPanel } from "./panel.js";
import { Sidebar } from "./sidebar.js";
import { S } from "./strings.js";
import { showYours } from "./yours.js";

const LOCKED = new Set([401, 403]);

export class Chat {
    // `onLocked(draft)` is called when the node no longer knows this session; `onLock()` when the person locks it.
    constructor(channel, opened, { onLock, onLocked }, draft = "") {
        Object.assign(this, { channel, opened, onLock, onLocked });
        this.left = false; // Whether the unlock screen took over.
        this.drafts = new Drafts((...request) => channel.ask(...request));
        this.meter = new ContextMeter();
        this.composer = new Composer(draft, {
            onSend: (text) => this.send(text), onStop: () => this.conversation.stop(), onDraft: (text) => this.drafts.set(this.conversation, text),
        }, this.meter.node);
        this.dialog = new Dialog();
        this.idle = new IdleTimer(() => this.lock());
        this.palette = new Palette({
            search: (text) => this.channel.stream("conversations.search", null, { text }), commands: () => commands(this),
            conversations: () => this.conversations ?? [], onOpen: (id, sequence) => this.open(id, sequence),
        });
        this.sidebar = new Sidebar(opened.name, {
            onNew: () => this.fresh(!opened.keep), onVeiled: () => this.fresh(true), onOpen: (id) => this.open(id), onLock: () => this.lock(),
            onFind: () => this.palette.open(), onYours: () => this.yours(),
        });
        this.models = new ModelMenu({ load: (model, progress) => this.load(model, progress), onChange: (id) => this.chooseModel(id) });
        this.title = element("h1", { class: "title" });
        this.note = element("p", { class: "note", role: "status" });
        this.turns = element("div", { class: "turns" }); // Replaced by a conversation's.
        this.panel = element("aside", { class: "panel", id: "panel", hidden: true, "aria-label": S.panel.title });
        this.eye = button("eye", S.chat.evidence, () => this.showPanel(this.panel.hidden));
        this.eye.setAttribute("aria-controls", "panel");
        this.eye.setAttribute("aria-expanded", "false");
        this.more = button("more", S.chat.more, () => this.palette.open(">"));
        const header = element("header", {}, this.sidebar.toggle, this.title, this.models.node, this.more, this.eye);
        this.main = element("section", { class: "chat", onclick: () => this.sidebar.open(false) }, header, this.turns, this.note, this.composer.node);
        for (const opener of [this.sidebar.toggle, this.more]) opener.addEventListener("click", (event) => event.stopPropagation());
    }

    async start() {
        const frame = element("div", { class: "frame" }, this.sidebar.node, this.main, this.panel);
        frame.addEventListener("keydown", (event) => event.key === "Escape" && this.escape());
        this.stage = frame;
        const typed = this.composer.draft;
        const known = await this.guard(async () => {
            const { model, idleMinutes } = await this.channel.ask("settings");
            this.idle.start(idleMinutes);
            await this.drafts.restore();
            this.models.show((await this.channel.ask("models")).models, model);
            await this.refresh();
        });
        if (this.left) return;
        show(frame, this.palette.node, this.dialog.node);
        if (known) this.fresh(!this.opened.keep);
        if (typed) this.composer.draft = typed;
    }

    // Does something that talks to the node and says whether it went well. A session that is locked (401), or out of step with the
    // node so that no request opens any more (403), goes to the unlock screen, with the draft.
    async guard(work, begun = () => false) {
        try {
            await work();
            return true;
        } catch (error) {
            if (this.isLocked(error)) {
                this.leave();
                this.onLocked(this.composer.draft);
            } else this.say(begun() && !error.code && !(error instanceof Tampered) ? S.chat.cut : explain(error));
            return false;
        }
    }

    isLocked(error) {
        return LOCKED.has(error.status);
    }

    say(text) {
        this.note.textContent = text;
    }

    async refresh() {
        const { conversations } = await this.channel.ask("conversations");
        this.conversations = conversations;
        this.sidebar.show(conversations, this.conversation?.id);
    }

    // Shows an empty page for a conversation that is made with its first message.
    fresh(veiled) {
        if (this.isAnswering) return;
        this.enter(new Conversation(this, null, { kept: !veiled }));
        const suggestions = this.models.isGuide ? S.chat.tryThese : [];
        this.conversation.node.append(element("div", { class: "empty" }, element("p", {}, S.chat.empty),
            ...suggestions.map((text) => element("button", { class: "outlined suggestion", onclick: () => this.send(text) }, text))));
    }

    async open(id, sequence = null) {
        if (this.isAnswering) return;
        const damaged = this.conversations.find((conversation) => conversation.id === id)?.damaged;
        if (damaged) this.enter(new Conversation(this, id, { title: S.chat.damaged }));
        await this.guard(async () => {
            this.enter(new Conversation(this, id, await this.channel.ask("conversations.read", id)));
            const found = this.conversation.turns.find((turn) => turn.sequence === sequence);
            if (found) found.node.scrollIntoView({ block: "center" });
            else this.conversation.node.scrollTop = this.conversation.node.scrollHeight;
            await this.refresh();
        });
    }

    enter(conversation) {
        this.conversation = conversation;
        this.stage.replaceChildren(this.sidebar.node, this.main, this.panel);
        this.turns.replaceWith(conversation.node);
        this.turns = conversation.node;
        this.main.classList.toggle("veiled", conversation.veiled);
        this.showTitle();
        this.say(conversation.veiled ? S.chat.offRecordHint : "");
        this.meter.clear();
        this.sidebar.open(false);
        this.sidebar.mark(conversation.id);
        this.composer.draft = this.drafts.get(conversation);
        this.composer.focus();
    }

    showTitle() {
        this.title.textContent = this.conversation.heading;
    }

    get isAnswering() {
        return Boolean(this.conversation?.answer);
    }

    async send(text) {
        this.turns.querySelector(".empty")?.remove();
        this.say(this.conversation.veiled ? S.chat.offRecordHint : "");
        await this.conversation.send(text);
    }

    answering(on) {
        this.composer.answering(on);
        if (!on) this.idle.touch();
    }

    // After an answer, however it ended.
    async answered() {
        this.answering(false);
        if (!this.main.isConnected) return;
        await this.guard(() => this.refresh());
        if (!this.panel.hidden) await this.guard(() => this.fillPanel());
        if (this.composer.node.contains(document.activeElement) || document.activeElement === document.body) this.composer.focus();
    }

    async chooseModel(id) {
        await this.guard(() => this.channel.ask("settings", null, { model: id }));
        if (!this.conversation.id && this.conversation.isEmpty) this.fresh(this.conversation.veiled);
    }

    // Brings a model into memory in the background.
    async load(model, progress) {
        await this.guard(async () => {
            for await (const { loading } of this.channel.stream("models.load", null, { model: model.id })) if (loading) progress(loading.done, loading.total);
            this.models.update((await this.channel.ask("models")).models);
        });
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
        return showPanel(this.panel, this, this.closePanel);
    }

    // What is stored, who may come in, and the keys: in place of the conversation.
    async yours() {
        if (this.isAnswering) return;
        await this.guard(async () => {
            const page = await showYours(this);
            this.stage.replaceChildren(this.sidebar.node, page);
            this.sidebar.open(false);
            page.focus();
        });
    }

    escape() {
        if (!this.panel.hidden) this.showPanel(false);
        else if (this.sidebar.isOpen) this.sidebar.open(false);
    }

    leave() {
        this.left = true;
        this.idle.stop();
        this.drafts.stop();
        this.palette.stop();
    }

    // Whatever the node says or fails to say, this browser lets its key go.
    async lock() {
        this.leave();
        await this.channel.ask("lock").catch(() => {});
        this.onLock();
    }
}
