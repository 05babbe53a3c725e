// The client's side of docs/formats/channel.md: opening, requests, replies.

import { base64url, bigEndian, concat, equal, fromBase64url, fromHex, hex, pad, unpad, utf8 } from "./bytes.js";
import { setupSender } from "./hpke.js";

const { subtle } = globalThis.crypto;
const RECORD = 190;
const SIGNED = 126;
const HEAD = concat(utf8("CLNK"), new Uint8Array([1, 0, 0x20, 0, 1, 0, 2]));
const NOBODY = new Uint8Array(16);
const OPENING = { account: NOBODY, object: NOBODY, action: "open", tab: new Uint8Array(8), counter: 0n };

export class Refusal extends Error {
    constructor({ code, message }, status = 200) {
        super(message);
        this.code = code;
        this.status = status;
    }
}

// Reads and judges a node record (§1). `now` in seconds.
export async function readNode(bytes, now) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (bytes.length !== RECORD || !equal(bytes.subarray(0, 11), HEAD) || bytes.subarray(99, SIGNED).some((b) => b !== 0)) {
        throw new Error("untrusted node");
    }
    const [notBefore, notAfter] = [view.getBigUint64(19), view.getBigUint64(27)];
    const identity = bytes.slice(67, 99);
    const key = await subtle.importKey("raw", identity, { name: "Ed25519" }, false, ["verify"]);
    const message = concat(utf8("Cloister nodekey v1"), bytes.subarray(0, SIGNED));
    const signed = await subtle.verify({ name: "Ed25519" }, key, bytes.slice(SIGNED), message);
    const time = BigInt(Math.floor(now));
    if (!signed || notAfter < notBefore || notAfter - notBefore > 86400n || notBefore > time + 300n || time > notAfter + 300n) {
        throw new Error("untrusted node");
    }
    const fingerprint = base64url(new Uint8Array(await subtle.digest("SHA-256", identity)));
    return { bytes, keyID: bytes.slice(11, 19), agreementKey: bytes.slice(35, 67), fingerprint };
}

// Seals a credential to the node (§2). Returns the body and what opens the reply.
export async function seal(credential, node, challenge, ephemeral = null) {
    const digest = new Uint8Array(await subtle.digest("SHA-256", node.bytes));
    const sender = await setupSender(node.agreementKey, concat(utf8("cloister/open/v1"), digest, challenge), ephemeral);
    const sealed = await sender.seal(pad(utf8(JSON.stringify(credential)), 256), utf8("open"));
    const secret = await sender.exported("cloister/channel/v1", 32);
    const key = await importSecret(secret);
    secret.fill(0);
    return { body: concat(new Uint8Array([1]), node.keyID, challenge, sender.encapsulated, sealed), key };
}

// The secret as a key that this page can use and nobody can read out, also not from IndexedDB.
export const importSecret = (secret) => subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

// HKDF-Expand of one block: HMAC(secret, info ‖ 1).
const expand = async (key, info) => new Uint8Array(await subtle.sign("HMAC", key, concat(info, new Uint8Array([1]))));
const cipher = (raw, use) => subtle.importKey("raw", raw, "AES-GCM", false, [use]);
const nonce = (number) => concat(new Uint8Array(4), bigEndian(number, 8));

function binding(label, { account, object, action, tab, counter }) {
    return concat(utf8(label), account, object, bigEndian(action.length, 2), utf8(action), tab, bigEndian(counter, 8));
}

export async function sealRequest(key, place, content) {
    const raw = await expand(key, concat(utf8("cloister/request/v1"), place.tab));
    const parameters = { name: "AES-GCM", iv: nonce(place.counter), additionalData: binding("cloister/request/v1", place) };
    const sealed = await subtle.encrypt(parameters, await cipher(raw, "encrypt"), pad(content, 64));
    return concat(new Uint8Array([1]), place.tab, bigEndian(place.counter, 8), new Uint8Array(sealed));
}

// Opens the pieces of one reply, all of them and in order.
export class ReplyOpener {
    constructor(key, place) {
        this.place = place;
        this.index = 0n;
        this.finished = false;
        const info = concat(utf8("cloister/reply/v1"), place.tab, bigEndian(place.counter, 8));
        this.key = expand(key, info).then((raw) => cipher(raw, "decrypt"));
    }

    async open(piece) {
        if (this.finished) throw new Error("a piece after the end");
        const key = await this.key;
        for (const final of [0, 1]) {
            const context = concat(binding("cloister/reply/v1", this.place), bigEndian(this.index, 8), new Uint8Array([final]));
            try {
                const parameters = { name: "AES-GCM", iv: nonce(this.index), additionalData: context };
                const padded = new Uint8Array(await subtle.decrypt(parameters, key, piece));
                this.index += 1n;
                this.finished = final === 1;
                return unpad(padded);
            } catch (error) {
                if (this.finished || error.message === "malformed padding") throw error;
            }
        }
        throw new Error("a piece that does not open");
    }

    end() {
        if (!this.finished) throw new Error("the reply was cut off");
    }
}

const parse = (content) => {
    const value = JSON.parse(new TextDecoder().decode(content));
    if (value.error) throw new Refusal(value.error);
    return value;
};

export const openingReply = async (key, piece) => parse(await new ReplyOpener(key, OPENING).open(piece));

// Finds the data lines of server-sent events, however the bytes are cut.
export async function* events(stream) {
    const decoder = new TextDecoder();
    let pending = "";
    for (const reader = stream.getReader(); ;) {
        const { value, done } = await reader.read();
        if (done) return;
        const lines = (pending + decoder.decode(value, { stream: true })).split("\n");
        pending = lines.pop();
        for (const line of lines) if (line.startsWith("data: ")) yield fromBase64url(line.slice(6));
    }
}

async function refused(response) {
    const fallback = { code: "internal", message: `The node answered with status ${response.status}.` };
    const body = await response.json().catch(() => ({}));
    return new Refusal(body.error ?? fallback, response.status);
}

// Opens a channel. `judge(fingerprint)` throws if the node is not the one that is known.
export async function open(credential, judge) {
    const response = await fetch("/cloister/v1/node", { cache: "no-store" });
    if (!response.ok) throw await refused(response);
    const offer = new Uint8Array(await response.arrayBuffer());
    const node = await readNode(offer.slice(0, RECORD), Date.now() / 1000);
    await judge(node.fingerprint);
    const { body, key } = await seal(credential, node, offer.slice(RECORD));
    const reply = await fetch("/cloister/v1/open", { method: "POST", body, credentials: "same-origin" });
    if (!reply.ok) throw await refused(reply);
    return { key, opened: await openingReply(key, new Uint8Array(await reply.arrayBuffer())), fingerprint: node.fingerprint };
}

// One tab of an open channel.
export class Channel {
    constructor(key, account) {
        this.key = key;
        this.account = fromHex(account);
        this.tab = crypto.getRandomValues(new Uint8Array(8));
        this.counter = 0n;
        this.turn = Promise.resolve();
    }

    // Sends requests one after another: each waits for the head of the reply before (§3).
    async send(action, object, content, signal) {
        const before = this.turn;
        let release;
        this.turn = new Promise((resolve) => (release = resolve));
        await before;
        try {
            const place = { account: this.account, object: object ? fromHex(object) : NOBODY, action, tab: this.tab, counter: ++this.counter };
            const body = await sealRequest(this.key, place, utf8(JSON.stringify(content)));
            const path = `/cloister/v1/cell/${action}${object ? `/${object}` : ""}`;
            const response = await fetch(path, { method: "POST", body, credentials: "same-origin", signal });
            if (!response.ok) throw await refused(response);
            return { response, place };
        } finally {
            release();
        }
    }

    // The pieces of the reply as they come.
    async *stream(action, object, content = {}, signal = undefined) {
        const { response, place } = await this.send(action, object, content, signal);
        const opener = new ReplyOpener(this.key, place);
        for await (const piece of events(response.body)) yield parse(await opener.open(piece));
        opener.end();
    }

    // A reply of one piece.
    async ask(action, object = null, content = {}) {
        let reply;
        for await (const piece of this.stream(action, object, content)) reply = piece;
        return reply;
    }
}

export { hex };
