// One conversation on the page: its turns, what is sent, and the answer as it comes.

import { announce, element } from "./dom.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";
import { Turn } from "./turn.js";

const NEAR_END = 60; // Pixels: who is this close to the end is following the answer.
export const plainManner = () => ({ systemPrompt: "" });

export class Conversation {
    // `chat` gives the channel, the models and the words around the conversation.
    constructor(chat, id = null, { title = "", kept = true, manner = plainManner(), arrangement = { pinned: false, tags: [] }, turns = [] } = {}) {
        Object.assign(this, { chat, id, title, veiled: !kept, manner, arrangement });
        this.node = element("div", { class: "turns", role: "region", tabindex: 0, "aria-label": S.chat.messages });
        this.turns = [];
        this.answer = null; // What runs: { stopped, begun }.
        for (const turn of turns) this.add(turn.role, turn.model).append(turn.text).sequence = turn.sequence;
        this.settle(turns.at(-1)?.stopped ? "stopped" : null);
    }

    get isEmpty() {
        return this.turns.length === 0;
    }

    add(role, model) {
        const { models } = this.chat;
        const turn = new Turn(role, role === "user" ? S.chat.you : models.speaker(model), (url) => this.chat.confirmLink(url), {
            canEdit: () => !this.answer, edit: (text) => this.send(text, turn), retry: () => !this.answer && this.retry(), goOn: () => !this.answer && this.goOn(),
        });
        this.turns.push(turn);
        this.node.append(turn.node);
        return turn;
    }

    // Shows under each turn what can be done with it.
    settle(reason, facts = null) {
        this.turns.forEach((turn, index) => {
            const last = index === this.turns.length - 1;
            turn.complete(last ? { reason, last, facts } : {});
        });
    }

    // Sends a message; in place of `replaced` and all that follows it, if that is given.
    async send(text, replaced = null) {
        const removed = replaced ? this.turns.splice(this.turns.indexOf(replaced)) : [];
        for (const { node } of removed) node.remove();
        const asked = this.add("user").append(text);
        const request = { text, ...(replaced && { replaces: replaced.sequence }) };
        const undo = () => {
            this.drop(asked);
            for (const turn of removed) {
                this.turns.push(turn);
                this.node.append(turn.node);
            }
            this.chat.composer.give(text);
        };
        await this.receive("conversations.send", request, this.add("assistant"), { asked, undo });
    }

    retry() {
        const asked = this.turns.findLast(({ role }) => role === "user");
        if (asked) return this.send(asked.text, asked);
    }

    goOn() {
        return this.receive("conversations.continue", {}, this.turns.at(-1), { undo: () => {} });
    }

    drop(turn) {
        turn.node.remove();
        this.turns.splice(this.turns.indexOf(turn), 1);
    }

    // Streams an answer into `turn`. What did not reach the disk is undone; what did, stays with what came of its answer.
    async receive(action, request, turn, { asked = null, undo }) {
        const { chat } = this;
        this.answer = { stopped: false, begun: false };
        const before = turn.text;
        turn.working(true);
        this.node.scrollTop = this.node.scrollHeight;
        chat.answering(true);
        announce(S.chat.answering);
        let ended = {};
        await chat.guard(async () => {
            try {
                ended = await this.stream(action, request, turn, asked);
            } catch (error) {
                if (turn.text === before && !before) this.drop(turn);
                if (!this.answer.begun) undo();
                throw error;
            }
        }, () => this.answer.begun);
        turn.working(false);
        this.answer = null;
        this.settle(ended.reason ?? "stopped", ended.facts);
        await chat.answered();
    }

    async stream(action, request, turn, asked) {
        const { chat } = this;
        await this.exist();
        const model = await chat.models.answering(this.turns.length <= 2);
        turn.speaker.textContent = chat.models.speakerOf(model);
        const sent = performance.now();
        let first = null;
        for await (const piece of chat.channel.stream(action, this.id, { ...request, model })) {
            if (piece.loading) chat.say(S.models.waiting(chat.models.nameOf(model), Math.floor((piece.loading.done * 100) / piece.loading.total)));
            if (piece.started) {
                this.answer.begun = true;
                if (asked) asked.sequence = piece.started.sequence;
                chat.meter.show(piece.started.promptTokens, piece.started.context, piece.started.droppedTurns);
                chat.say(model === chat.models.chosen ? (this.veiled ? S.chat.offRecordHint : "") : S.models.meanwhile(chat.models.nameOf(chat.models.chosen)));
                if (this.answer.stopped) this.stop();
            }
            if (piece.text) {
                first ??= performance.now();
                this.following(() => turn.append(piece.text));
            }
            if (piece.done) return this.finish(turn, piece.done, { wait: (first ?? sent) - sent, made: performance.now() - (first ?? sent) });
        }
    }

    // A conversation is made with its first message.
    async exist() {
        if (this.id) return;
        const { channel } = this.chat;
        this.id = (await channel.ask("conversations.create", null, { offRecord: this.veiled })).id;
        const { systemPrompt, temperature, topP } = this.manner;
        if (systemPrompt || temperature !== undefined || topP !== undefined) await channel.ask("conversations.change", this.id, { manner: this.manner });
    }

    finish(turn, done, { wait, made }) {
        turn.sequence = done.sequence;
        this.title = done.title;
        this.chat.showTitle();
        this.chat.meter.add(done.completionTokens);
        announce(turn.text);
        const speed = done.completionTokens > 1 && made > 0 ? ((done.completionTokens - 1) * 1000) / made : null;
        return { reason: done.reason, facts: S.turn.measured(done, wait / 1000, speed) };
    }

    // Before the answer has begun there is nothing to stop yet; then it is stopped as soon as it has.
    stop() {
        this.answer.stopped = true;
        if (this.answer.begun) this.chat.guard(() => this.chat.channel.ask("conversations.stop", this.id));
    }

    // Keeps the end in view only for who is there already.
    following(change) {
        const { scrollHeight, scrollTop, clientHeight } = this.node;
        change();
        if (scrollHeight - scrollTop - clientHeight < NEAR_END) this.node.scrollTop = this.node.scrollHeight;
    }

    get heading() {
        return visible(this.title || (this.veiled ? S.chat.offRecord : S.chat.untitled));
    }
}
