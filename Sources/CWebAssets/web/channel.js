// The client's side of docs/formats/channel.md as bytes: the node record, the opening, requests, replies.
// It knows nothing of HTTP; transport.js carries what is made here.

import { base64url, bigEndian, concat, equal, pad, unpad, utf8 } from "./bytes.js";
import { setupSender } from "./hpke.js";

const { subtle } = globalThis.crypto;
const RECORD = 190;
const SIGNED = 126;
const HEAD = concat(utf8("CLNK"), new Uint8Array([1, 0, 0x20, 0, 1, 0, 2]));
export const NOBODY = new Uint8Array(16);
const OPENING = { account: NOBODY, object: NOBODY, action: "open", tab: new Uint8Array(8), counter: 0n };

export class UntrustedNode extends Error {}

// What arrived is not what the cell sent: changed, repeated, left out or in another order.
export class Tampered extends Error {}

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
        throw new UntrustedNode();
    }
    const [notBefore, notAfter] = [view.getBigUint64(19), view.getBigUint64(27)];
    const identity = bytes.slice(67, 99);
    const key = await subtle.importKey("raw", identity, { name: "Ed25519" }, false, ["verify"]);
    const message = concat(utf8("Cloister nodekey v1"), bytes.subarray(0, SIGNED));
    const signed = await subtle.verify({ name: "Ed25519" }, key, bytes.slice(SIGNED), message);
    const time = BigInt(Math.floor(now));
    if (!signed || notAfter < notBefore || notAfter - notBefore > 86400n || notBefore > time + 300n || time > notAfter + 300n) {
        throw new UntrustedNode();
    }
    const fingerprint = base64url(new Uint8Array(await subtle.digest("SHA-256", identity)));
    return { bytes, keyID: bytes.slice(11, 19), agreementKey: bytes.slice(35, 67), fingerprint };
}

// Seals a credential to the node (§2). Returns the body and what opens the reply.
export async function seal(credential, node, challenge, ephemeral = null) {
    const digest = new Uint8Array(await subtle.digest("SHA-256", node.bytes));
    const sender = await setupSender(node.agreementKey, concat(utf8("cloister/open/v1"), digest, challenge), ephemeral);
    const said = pad(utf8(JSON.stringify(credential)), 256);
    const sealed = await sender.seal(said, utf8("open"));
    const secret = await sender.exported("cloister/channel/v1", 32);
    const key = await importSecret(secret);
    for (const bytes of [said, secret]) bytes.fill(0);
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
        if (this.finished) throw new Tampered("a piece after the end");
        const padded = (await this.opened(piece, 0)) ?? (await this.opened(piece, 1));
        if (!padded) throw new Tampered("a piece that does not open");
        this.index += 1n;
        return unpad(padded);
    }

    // The padded content, or null if the piece is not the next one with this `final`.
    async opened(piece, final) {
        const additionalData = concat(binding("cloister/reply/v1", this.place), bigEndian(this.index, 8), new Uint8Array([final]));
        const parameters = { name: "AES-GCM", iv: nonce(this.index), additionalData };
        const padded = await subtle.decrypt(parameters, await this.key, piece).catch(() => null);
        if (padded && final) this.finished = true;
        return padded && new Uint8Array(padded);
    }

    end() {
        if (!this.finished) throw new Error("the reply was cut off");
    }
}

// What a piece says. A sealed error becomes a Refusal.
export function parse(content) {
    const value = JSON.parse(new TextDecoder().decode(content));
    if (value.error) throw new Refusal(value.error);
    return value;
}

export const openingReply = async (key, piece) => parse(await new ReplyOpener(key, OPENING).open(piece));
