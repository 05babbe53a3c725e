// What this browser keeps: the channel's key, which it can use and not read, and the fingerprint of the node. Nothing else, and no text.

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

export class FingerprintChanged extends Error {}

// Pins the node at first contact; another one later is an alarm.
export async function judge(fingerprint) {
    const pinned = await read("node");
    if (pinned && pinned !== fingerprint) throw new FingerprintChanged();
    if (!pinned) await keep("node", fingerprint);
}
