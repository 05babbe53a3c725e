// What this browser keeps: the channel's key, which it can use and not read, and the fingerprint of the node. No text, ever.

const NAME = "cloister";

function store(mode, work) {
    return new Promise((resolve, reject) => {
        const opening = indexedDB.open(NAME, 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
            const transaction = opening.result.transaction("kept", mode);
            const request = work(transaction.objectStore("kept"));
            transaction.oncomplete = () => {
                opening.result.close();
                resolve(request.result);
            };
            transaction.onerror = () => reject(transaction.error);
        };
    });
}

export const read = (name) => store("readonly", (kept) => kept.get(name));
export const keep = (name, value) => store("readwrite", (kept) => kept.put(value, name));
export const forget = (name) => store("readwrite", (kept) => kept.delete(name));

// Tells the other tabs of this browser, so that none goes on showing what was locked in this one.
const tabs = new BroadcastChannel(NAME);
export const tellLocked = () => tabs.postMessage("locked");
export const onLockedElsewhere = (work) => tabs.addEventListener("message", work);

export class FingerprintChanged extends Error {
    constructor(known, presented) {
        super("the node's identity changed");
        Object.assign(this, { known, presented });
    }
}

// Pins the node at first contact; another one later is an alarm.
export async function judge(presented) {
    const known = await read("node");
    if (known && known !== presented) throw new FingerprintChanged(known, presented);
    if (!known) await trust(presented);
}

export const trust = (fingerprint) => keep("node", fingerprint);
