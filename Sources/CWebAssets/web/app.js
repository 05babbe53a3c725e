// From the first screen to the chat.

import { Channel, open } from "./channel.js";
import { Chat } from "./chat.js";
import { showAlarm, showCreate, showRecovery, showUnlock } from "./entry.js";
import { FingerprintChanged, forget, judge, keep, read } from "./session.js";
import { S } from "./strings.js";

// The link's fragment never reaches the server; it is read once and taken out of the address bar.
const fragment = new URLSearchParams(location.hash.slice(1));
if (location.hash) history.replaceState(null, "", location.pathname);

async function enter(credential) {
    const { key, opened } = await open(credential, judge);
    const session = { key, account: opened.account, opened: { name: opened.name, keep: opened.keep } };
    await keep("session", session);
    return { session, recovery: opened.recovery };
}

function chat(session, draft = "") {
    const lock = () => forget("session").then(() => unlock());
    const locked = (text) => forget("session").then(() => unlock(S.unlock.locked, text));
    return new Chat(new Channel(session.key, session.account), session.opened, lock, locked, draft).start();
}

function unlock(message = null, draft = "") {
    showUnlock((credential) => alarming(async () => chat((await enter(credential)).session, draft)), message);
}

// A node that is not the known one stops everything, before anything is sent.
async function alarming(work) {
    try {
        await work();
    } catch (error) {
        if (!(error instanceof FingerprintChanged)) throw error;
        showAlarm(() => forget("node").then(() => location.reload()));
    }
}

async function start() {
    const node = fragment.get("node");
    if (node) await judge(node);
    const token = fragment.get("setup");
    if (token) {
        return showCreate((name, passphrase, kept) => alarming(async () => {
            const { session, recovery } = await enter({ create: { token, name, passphrase, keep: kept } });
            showRecovery(recovery, () => chat(session));
        }));
    }
    const session = await read("session");
    return session ? chat(session) : unlock();
}

alarming(start).catch((error) => unlock(S.error + error.message));
