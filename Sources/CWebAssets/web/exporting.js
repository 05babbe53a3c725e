// Conversations as files: JSON that a program reads, Markdown that a person reads. They are made here, from what the vault opened.

import { S } from "./strings.js";

const speaker = (turn) => (turn.role === "user" ? S.chat.you : turn.model ?? S.exporting.assistant);
const fence = (text) => text.replace(/^(#{1,6} )/gm, "\\$1");

export function markdown({ title, turns }) {
    const said = turns.map((turn) => `## ${speaker(turn)}, ${turn.time}\n\n${turn.role === "user" ? fence(turn.text) : turn.text.trim()}${turn.stopped ? `\n\n*${S.chat.stopped}*` : ""}\n`);
    return `# ${title || S.chat.untitled}\n\n${said.join("\n")}`;
}

export const json = (conversations) =>
    JSON.stringify({ format: "cloister-conversations", version: 1, exported: new Date().toISOString(), conversations }, null, 2);

const plain = ({ title, kept, arrangement, manner, turns }) =>
    ({ title, kept, ...arrangement, ...manner, turns: turns.map(({ role, text, time, stopped, model }) => ({ role, text, time, stopped, model })) });

function save(name, type, text) {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = Object.assign(document.createElement("a"), { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const fileName = (title) => (title || S.chat.untitled).replace(/[^\p{L}\p{N} ._-]/gu, "").trim().slice(0, 60) || "conversation";

export const exportOne = (chat, kind) => chat.guard(async () => {
    const read = await chat.channel.ask("conversations.read", chat.conversation.id);
    if (kind === "json") save(`${fileName(read.title)}.json`, "application/json", json([plain(read)]));
    else save(`${fileName(read.title)}.md`, "text/markdown", markdown(read));
    chat.say(S.exporting.done(1));
});

// All of them in one file; one that cannot be opened is named at the end and does not keep the others back.
export const exportAll = (chat, kind = "json") => chat.guard(async () => {
    const { conversations } = await chat.channel.ask("conversations");
    const [read, failed] = [[], []];
    for (const [index, { id, title }] of conversations.entries()) {
        chat.say(S.exporting.progress(index + 1, conversations.length));
        try {
            read.push(await chat.channel.ask("conversations.read", id));
        } catch (error) {
            if (!error.code || error.code === "locked") throw error;
            failed.push(title || S.chat.damaged);
        }
    }
    if (kind === "json") save("cloister.json", "application/json", json(read.map(plain)));
    else save("cloister.md", "text/markdown", read.map(markdown).join("\n\n---\n\n"));
    chat.say(S.exporting.done(read.length, failed));
});
