// The chat: the list, a conversation, the composer.

import { announce, element, icon, show } from "./dom.js";
import { MarkdownView } from "./markdown.js";
import { showPanel } from "./panel.js";
import { S } from "./strings.js";

export class Chat {
    // `onLocked(draft)` is called when the node no longer knows this session.
    constructor(channel, opened, onLock, onLocked, draft = "") {
        Object.assign(this, { channel, opened, onLock, onLocked });
        this.current = null;
        this.answering = null;
        this.list = element("ul", { class: "list" });
        this.turns = element("div", { class: "turns", role: "log", "aria-label": S.chat.list });
        this.heading = element("h1", { class: "title" });
        this.note = element("p", { class: "note", role: "status" });
        this.input = element("textarea", { rows: 1, placeholder: S.chat.placeholder, "aria-label": S.chat.placeholder });
        this.input.value = draft;
        this.button = element("button", { class: "send", "aria-label": S.chat.send, onclick: () => this.press() }, icon("send"));
        this.panel = element("aside", { class: "panel", hidden: true, "aria-label": S.panel.title });
        this.bin = element("button", { class: "plain", "aria-label": S.chat.delete, title: S.chat.delete, hidden: true, onclick: () => this.confirmDelete() }, icon("bin"));
        this.dialog = element("dialog");
        this.input.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            if (!this.answering) this.press();
        });
        this.input.addEventListener("input", () => this.fit());
    }

    async start() {
        const button = (name, label, work) => element("button", { class: "plain", "aria-label": label, title: label, onclick: work }, icon(name));
        this.side = element("nav", { class: "side", "aria-label": S.chat.list },
            element("div", { class: "mark" }, icon("arch"), element("span", {}, S.name)),
            element("button", { class: "new", onclick: () => this.fresh(!this.opened.keep) }, icon("plus"), S.chat.new),
            element("button", { class: "new veiled", onclick: () => this.fresh(true) }, icon("veil"), S.chat.offRecord),
            this.list,
            element("div", { class: "who" }, element("span", {}, this.opened.name), button("lock", S.chat.lock, () => this.lock())));
        this.model = element("span", { class: "model" });
        this.page = element("div", { class: "chat" },
            element("header", {}, button("menu", S.chat.list, () => this.side.classList.toggle("open")), this.heading, this.model, this.bin,
                button("eye", S.chat.evidence, () => this.togglePanel())),
            this.turns, this.note,
            element("div", { class: "composer" }, this.input, this.button));
        show(element("div", { class: "frame" }, this.side, this.page, this.panel), this.dialog);
        await this.guard(async () => {
            const { models } = await this.channel.ask("models");
            this.model.textContent = models[0].guide ? S.chat.guide : models[0].name;
            this.modelName = models[0].guide ? "Guide" : models[0].name;
            await this.refresh();
        });
        this.fresh(!this.opened.keep);
        this.fit();
    }

    // Runs something that talks to the node; a locked session goes to the unlock screen with the draft.
    async guard(work) {
        try {
            await work();
        } catch (error) {
            if (error.status === 401) return this.onLocked(this.input.value);
            this.note.textContent = error.code ? error.message : S.chat.cut;
        }
    }

    async refresh() {
        const { conversations } = await this.channel.ask("conversations");
        this.list.replaceChildren(...conversations.filter((c) => c.turns > 0 || c.title).map((c) => element("li", {},
            element("button", { "aria-current": c.id === this.current?.id ? "true" : null, onclick: () => this.open(c) },
                c.kept ? null : icon("veil"), element("span", {}, c.title || S.chat.untitled)))));
    }

    fresh(veiled) {
        if (this.answering) return;
        this.current = null;
        this.veil(veiled);
        this.heading.textContent = veiled ? S.chat.offRecord : S.chat.untitled;
        this.note.textContent = veiled ? S.chat.offRecordHint : "";
        this.bin.hidden = true;
        this.turns.replaceChildren(element("div", { class: "empty" }, element("p", {}, S.chat.empty),
            ...S.chat.tryThese.map((text) => element("button", { class: "suggestion", onclick: () => this.send(text) }, text))));
        this.side.classList.remove("open");
        this.input.focus();
    }

    veil(on) {
        this.veiled = on;
        this.page.classList.toggle("veiled", on);
    }

    async open(conversation) {
        if (this.answering) return;
        await this.guard(async () => {
            const { title, kept, turns } = await this.channel.ask("conversations.read", conversation.id);
            this.current = { id: conversation.id };
            this.veil(!kept);
            this.heading.textContent = title || S.chat.untitled;
            this.note.textContent = kept ? "" : S.chat.offRecordHint;
            this.bin.hidden = false;
            this.turns.replaceChildren();
            for (const turn of turns) this.add(turn.role, turn.text, turn.stopped);
            this.turns.scrollTop = this.turns.scrollHeight;
            await this.refresh();
        });
        this.side.classList.remove("open");
        this.input.focus();
    }

    add(role, text, stopped = false) {
        const body = element("div", { class: "body" });
        const view = new MarkdownView(body, (address) => this.askLink(address));
        const turn = element("article", { class: `turn ${role}` },
            element("span", { class: "speaker" }, role === "user" ? S.chat.you : this.modelName), body);
        if (role === "user") body.append(element("p", {}, text));
        else view.update(text);
        if (stopped) turn.append(element("small", { class: "stopped" }, S.chat.stopped));
        this.turns.append(turn);
        return { turn, view };
    }

    press() {
        if (this.answering) return this.answering.stop();
        const text = this.input.value.trim();
        if (text) this.send(text);
    }

    async send(text) {
        this.input.value = "";
        this.fit();
        this.turns.querySelector(".empty")?.remove();
        this.note.textContent = "";
        let kept = false;
        this.answering = { stop: () => this.current && this.channel.ask("conversations.stop", this.current.id).catch(() => {}) };
        this.button.replaceChildren(icon("stop"));
        this.button.setAttribute("aria-label", S.chat.stop);
        this.add("user", text);
        const { turn, view } = this.add("assistant", "");
        turn.classList.add("working");
        turn.scrollIntoView({ block: "end" });
        let answer = "";
        try {
            this.current ??= { id: (await this.channel.ask("conversations.create", null, { offRecord: this.veiled })).id };
            for await (const piece of this.channel.stream("conversations.send", this.current.id, { text })) {
                if (piece.started) {
                    kept = true;
                    if (piece.started.droppedTurns) this.note.textContent = S.chat.dropped(piece.started.droppedTurns);
                }
                if (piece.text) {
                    answer += piece.text;
                    this.following(() => view.update(answer));
                }
                if (piece.done) this.finish(turn, piece.done, answer);
            }
        } catch (error) {
            if (!kept) this.input.value ||= text;
            if (!answer) turn.remove();
            await this.guard(() => { throw error; });
        }
        turn.classList.remove("working");
        this.answering = null;
        this.button.replaceChildren(icon("send"));
        this.button.setAttribute("aria-label", S.chat.send);
        if (this.page.isConnected) {
            await this.guard(() => this.refresh());
            this.input.focus();
        }
    }

    finish(turn, done, answer) {
        if (done.reason === "stopped") turn.append(element("small", { class: "stopped" }, S.chat.stopped));
        if (done.title) this.heading.textContent = done.title;
        this.bin.hidden = false;
        announce(answer);
    }

    // Keeps the end in view only for who is there already.
    following(change) {
        const atEnd = this.turns.scrollHeight - this.turns.scrollTop - this.turns.clientHeight < 60;
        change();
        if (atEnd) this.turns.scrollTop = this.turns.scrollHeight;
    }

    fit() {
        this.input.rows = Math.min(8, this.input.value.split("\n").length + Math.floor(this.input.value.length / 90));
    }

    choose(title, text, yes, no, work) {
        const close = () => this.dialog.close();
        this.dialog.replaceChildren(element("h2", {}, title), text ? element("p", {}, text) : null ?? "",
            element("div", { class: "buttons" }, element("button", { class: "quiet", onclick: close }, no),
                element("button", { class: "primary", onclick: () => { close(); work(); } }, yes)));
        this.dialog.showModal();
    }

    confirmDelete() {
        if (!this.current || this.answering) return;
        this.choose(S.chat.confirmDelete, null, S.chat.really, S.chat.keepIt, () => this.guard(async () => {
            const { receipt } = await this.channel.ask("conversations.delete", this.current.id);
            await this.refresh();
            this.fresh(!this.opened.keep);
            this.note.textContent = S.chat.receipt(receipt);
        }));
    }

    askLink(address) {
        this.choose(S.link.title, address, S.link.open, S.link.cancel, () => window.open(address, "_blank", "noopener,noreferrer"));
    }

    async togglePanel() {
        this.panel.hidden = !this.panel.hidden;
        if (!this.panel.hidden) await this.guard(() => showPanel(this.panel, this.channel));
    }

    async lock() {
        await this.guard(() => this.channel.ask("lock"));
        this.onLock();
    }
}
