// Everything that can be done from the keyboard, as the palette lists it: { label, work }.

import { element, field } from "./dom.js";
import { exportAll, exportOne } from "./exporting.js";
import { askManner } from "./manner.js";
import { S } from "./strings.js";

const C = S.commands;

export function commands(chat) {
    const { conversation } = chat;
    const stored = Boolean(conversation?.id) && !chat.isAnswering;
    const command = (label, work, possible = true) => (possible ? [{ label, work }] : []);
    return [
        ...command(S.chat.new, () => chat.fresh(!chat.opened.keep)),
        ...command(S.chat.offRecord, () => chat.fresh(true)),
        ...command(C.manner, () => askManner(chat), !chat.isAnswering),
        ...command(C.rename, () => rename(chat), stored),
        ...command(conversation?.arrangement.pinned ? C.unpin : C.pin, () => pin(chat), stored),
        ...command(C.tags, () => tag(chat), stored),
        ...command(C.exportMarkdown, () => exportOne(chat, "markdown"), stored),
        ...command(C.exportJSON, () => exportOne(chat, "json"), stored),
        ...command(C.exportAll, () => exportAll(chat)),
        ...command(C.delete, () => confirmDelete(chat), stored),
        ...command(S.chat.evidence, () => chat.showPanel(chat.panel.hidden)),
        ...command(S.yours.title, () => chat.yours()),
        ...command(S.chat.lock, () => chat.lock()),
    ];
}

const change = (chat, content) => chat.guard(async () => {
    await chat.channel.ask("conversations.change", chat.conversation.id, content);
    Object.assign(chat.conversation, content);
    chat.showTitle();
    await chat.refresh();
});

function rename(chat) {
    const { input, node } = field(C.newTitle, { name: "title", maxlength: 200, value: chat.conversation.title });
    chat.dialog.ask({ title: C.rename, content: [node], yes: C.save, no: C.leave, first: input }, () => input.value.trim() && change(chat, { title: input.value.trim() }));
    input.select();
}

function pin(chat) {
    const { arrangement } = chat.conversation;
    return change(chat, { arrangement: { ...arrangement, pinned: !arrangement.pinned } });
}

function tag(chat) {
    const { arrangement } = chat.conversation;
    const { input, node } = field(C.tagList, { name: "tags", maxlength: 300, value: arrangement.tags.join(", ") });
    const tags = () => [...new Set(input.value.split(",").map((tag) => tag.trim().slice(0, 40)).filter(Boolean))].slice(0, 8);
    chat.dialog.ask({ title: C.tags, content: [node], yes: C.save, no: C.leave, first: input }, () => change(chat, { arrangement: { ...arrangement, tags: tags() } }));
}

function confirmDelete(chat) {
    const content = [element("p", {}, S.chat.confirmDeleteText)];
    chat.dialog.ask({ title: S.chat.confirmDelete, content, yes: S.chat.really, no: S.chat.keepIt }, () => chat.guard(async () => {
        const { id } = chat.conversation;
        const { receipt } = await chat.channel.ask("conversations.delete", id);
        await chat.refresh();
        chat.fresh(!chat.opened.keep);
        chat.say(S.chat.receipt(receipt));
    }));
}
