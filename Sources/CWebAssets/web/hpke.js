// HPKE in base mode, the sender's side (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, over WebCrypto.

import { bigEndian, concat, utf8 } from "./bytes.js";

const { subtle } = globalThis.crypto;
const EMPTY = new Uint8Array();
const KEM_SUITE = concat(utf8("KEM"), bigEndian(0x0020, 2));
const SUITE = concat(utf8("HPKE"), bigEndian(0x0020, 2), bigEndian(0x0001, 2), bigEndian(0x0002, 2));

async function hmac(key, message) {
    // An empty salt is 32 zero bytes (RFC 5869 §2.2); WebCrypto refuses an empty key.
    const raw = key.length === 0 ? new Uint8Array(32) : key;
    const imported = await subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await subtle.sign("HMAC", imported, message));
}

const labeledExtract = (suite, salt, label, material) => hmac(salt, concat(utf8("HPKE-v1"), suite, utf8(label), material));

// HKDF-Expand with one block is enough for every length used here: at most 32 bytes.
async function labeledExpand(suite, key, label, info, count) {
    const labeled = concat(bigEndian(count, 2), utf8("HPKE-v1"), suite, utf8(label), info);
    return (await hmac(key, concat(labeled, new Uint8Array([1])))).slice(0, count);
}

// `ephemeral` is for published vectors only: { publicKey, privateKey } as CryptoKeys.
export async function setupSender(recipientKey, info, ephemeral = null) {
    const recipient = await subtle.importKey("raw", recipientKey, { name: "X25519" }, true, []);
    const pair = ephemeral ?? (await subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]));
    const shared = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: recipient }, pair.privateKey, 256));
    if (shared.every((byte) => byte === 0)) throw new Error("low-order key"); // RFC 9180 §7.1.4
    const encapsulated = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
    const extracted = await labeledExtract(KEM_SUITE, EMPTY, "eae_prk", shared);
    const secret = await labeledExpand(KEM_SUITE, extracted, "shared_secret", concat(encapsulated, recipientKey), 32);

    const identity = await labeledExtract(SUITE, EMPTY, "psk_id_hash", EMPTY);
    const context = concat(new Uint8Array([0]), identity, await labeledExtract(SUITE, EMPTY, "info_hash", info));
    const scheduled = await labeledExtract(SUITE, secret, "secret", EMPTY);
    const key = await labeledExpand(SUITE, scheduled, "key", context, 32);
    const nonce = await labeledExpand(SUITE, scheduled, "base_nonce", context, 12);
    const exporter = await labeledExpand(SUITE, scheduled, "exp", context, 32);
    const sealing = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
    for (const bytes of [shared, extracted, secret, scheduled, key]) bytes.fill(0);

    let sequence = 0;
    return {
        encapsulated,
        async seal(plaintext, additionalData) {
            const mask = concat(new Uint8Array(8), bigEndian(sequence++, 4));
            const iv = nonce.map((byte, index) => byte ^ mask[index]);
            return new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, sealing, plaintext));
        },
        exported: (label, count) => labeledExpand(SUITE, exporter, "sec", typeof label === "string" ? utf8(label) : label, count),
    };
}
