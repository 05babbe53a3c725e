// From the first screen to the chat.

import { Chat } from "./chat.js";
import { showAlarm, showCreate, showRecovery, showUnlock } from "./entry.js";
import { explain } from "./explain.js";
import { FingerprintChanged, forget, judge, keep, onLockedElsewhere, read, tellLocked, trust } from "./session.js";
import { S } from "./strings.js";
import { Channel, open } from "./transport.js";

// The link's fragment never reaches the server; it is read once and taken out of the address bar.
const fragment = new URLSearchParams(location.hash.slice(1));
if (location.hash) history.replaceState(null, "", location.pathname);

let current = null; // The chat that is shown, if one is.

async function enter(credential) {
    const { key, opened } = await open(credential, judge);
    const session = { key, account: opened.account, name: opened.name, keep: opened.keep };
    await keep("session", session);
    return { session, recovery: opened.recovery };
}

async function chat(session, draft = "") {
    const leave = async (message, draft) => {
        await forget("session");
        unlock(message, draft);
    };
    const onLock = () => leave(S.unlock.locked, "").then(tellLocked);
    const onLocked = (draft) => leave(draft ? S.unlock.lockedDraft : S.unlock.locked, draft);
    current = new Chat(new Channel(session.key, session.account), session, { onLock, onLocked }, draft);
    await current.start();
}

function unlock(message = null, draft = "") {
    current = null;
    showUnlock((credential) => alarming(async () => chat((await enter(credential)).session, draft)), message);
}

// The models are shown before there is a vault, to whoever has the set-up link.
async function create(token) {
    const { opened: { models } } = await open({ look: { token } }, judge);
    showCreate(models, (name, passphrase, kept, model) => alarming(async () => {
        const { session, recovery } = await enter({ create: { token, name, passphrase, keep: kept } });
        if (model) await new Channel(session.key, session.account).ask("settings", null, { model });
        showRecovery(recovery, () => chat(session));
    }));
}

// A node that is not the known one stops everything, before anything is sent.
async function alarming(work) {
    try {
        await work();
    } catch (error) {
        if (!(error instanceof FingerprintChanged)) throw error;
        showAlarm(error, async () => {
            await forget("session");
            await trust(error.presented);
            await alarming(start);
        });
    }
}

async function start() {
    const [node, token] = [fragment.get("node"), fragment.get("setup")];
    if (node) await judge(node);
    if (token) return create(token);
    const session = await read("session");
    return session ? chat(session) : unlock();
}

onLockedElsewhere(() => current && (current.leave(), unlock(S.unlock.locked, current.composer.draft)));
alarming(start).catch((error) => unlock(explain(error)));
