// The host's side of docs/formats/channel.md, written a second time over node:crypto, so that the page is tested against something
// that shares no line with it.

import { createCipheriv, createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, sign } from "node:crypto";

export const integer = (value, count) => Buffer.from(BigInt(value).toString(16).padStart(count * 2, "0"), "hex");
export const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const hmac = (key, ...parts) => createHmac("sha256", key).update(Buffer.concat(parts)).digest();
const raw = (key, part) => Buffer.from(key.export({ format: "jwk" })[part], "base64url");
const x25519Public = (bytes) => createPublicKey({ key: { kty: "OKP", crv: "X25519", x: Buffer.from(bytes).toString("base64url") }, format: "jwk" });

function seal(key, nonce, aad, text) {
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(aad);
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function open(key, nonce, aad, sealed) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(aad).setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

export function padded(text, unit = 64) {
    const content = Buffer.concat([integer(text.length, 4), Buffer.from(text)]);
    return Buffer.concat([content, Buffer.alloc((unit - (content.length % unit)) % unit)]);
}

const unpadded = (content) => JSON.parse(content.subarray(4, 4 + content.readUInt32BE(0)).toString());

export class Host {
    constructor({ now = Math.floor(Date.now() / 1000) } = {}) {
        this.identity = generateKeyPairSync("ed25519");
        this.pair = generateKeyPairSync("x25519");
        this.challenge = Buffer.alloc(32, 7);
        this.now = now;
    }

    get fingerprint() {
        return sha256(raw(this.identity.publicKey, "x")).toString("base64url");
    }

    // The node record; `change` may spoil the signed part before it is signed.
    record({ notBefore = this.now, notAfter = this.now + 3600, change = () => {}, key = raw(this.pair.publicKey, "x") } = {}) {
        const body = Buffer.concat([Buffer.from("CLNK"), Buffer.from([1, 0, 0x20, 0, 1, 0, 2]), Buffer.alloc(8, 9), integer(notBefore, 8), integer(notAfter, 8),
            key, raw(this.identity.publicKey, "x"), Buffer.alloc(27)]);
        change(body);
        return Buffer.concat([body, sign(null, Buffer.concat([Buffer.from("Cloister nodekey v1"), body]), this.identity.privateKey)]);
    }

    // RFC 9180 §5.1.1, the receiver's side.
    openBody(body, record) {
        const enc = body.subarray(41, 73);
        const extract = (suite, salt, label, material) => hmac(salt, Buffer.from("HPKE-v1"), suite, Buffer.from(label), material);
        const expand = (suite, key, label, info, count) =>
            hmac(key, integer(count, 2), Buffer.from("HPKE-v1"), suite, Buffer.from(label), info, Buffer.from([1])).subarray(0, count);
        const kem = Buffer.from("4b454d0020", "hex");
        const suite = Buffer.from("48504b45002000010002", "hex");
        const none = Buffer.alloc(0);
        const shared = diffieHellman({ privateKey: this.pair.privateKey, publicKey: x25519Public(enc) });
        const sharedSecret = expand(kem, extract(kem, none, "eae_prk", shared), "shared_secret", Buffer.concat([enc, raw(this.pair.publicKey, "x")]), 32);
        const info = Buffer.concat([Buffer.from("cloister/open/v1"), sha256(record), this.challenge]);
        const context = Buffer.concat([Buffer.from([0]), extract(suite, none, "psk_id_hash", none), extract(suite, none, "info_hash", info)]);
        const secret = extract(suite, sharedSecret, "secret", none);
        const key = expand(suite, secret, "key", context, 32);
        const nonce = expand(suite, secret, "base_nonce", context, 12);
        this.secret = expand(suite, expand(suite, secret, "exp", context, 32), "sec", Buffer.from("cloister/channel/v1"), 32);
        const content = open(key, nonce, Buffer.from("open"), body.subarray(73));
        return { credential: unpadded(content), size: content.length };
    }

    derive(...info) {
        return hmac(this.secret, ...info, Buffer.from([1]));
    }

    static binding(label, { account, object, action, tab, counter }) {
        return Buffer.concat([Buffer.from(label), account, object, integer(action.length, 2), Buffer.from(action), tab, integer(counter, 8)]);
    }

    openRequest(body, place) {
        const key = this.derive(Buffer.from("cloister/request/v1"), place.tab);
        return unpadded(open(key, Buffer.concat([Buffer.alloc(4), integer(place.counter, 8)]), Host.binding("cloister/request/v1", place), body.subarray(17)));
    }

    piece(place, index, final, value, content = padded(JSON.stringify(value))) {
        const key = this.derive(Buffer.from("cloister/reply/v1"), place.tab, integer(place.counter, 8));
        const aad = Buffer.concat([Host.binding("cloister/reply/v1", place), integer(index, 8), Buffer.from([final ? 1 : 0])]);
        return new Uint8Array(seal(key, Buffer.concat([Buffer.alloc(4), integer(index, 8)]), aad, content));
    }
}

export const rawX25519 = (hexadecimal) => createPrivateKey({ key: Buffer.from(`302e020100300506032b656e04220420${hexadecimal}`, "hex"), format: "der", type: "pkcs8" });
