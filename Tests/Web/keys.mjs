// Fixed keys for vectors: published patterns, never used for anything else.

export const WEB = new URL("../../Sources/CWebAssets/web/", import.meta.url);
const { subtle } = globalThis.crypto;
const { concat, fromHex } = await import(new URL("bytes.js", WEB));

const pkcs8 = (oid, raw) => concat(fromHex(`302e020100300506032b65${oid}04220420`), raw);

export async function agreementPair(raw, publicKey = null) {
    const privateKey = await subtle.importKey("pkcs8", pkcs8("6e", raw), { name: "X25519" }, true, ["deriveBits"]);
    const { x } = await subtle.exportKey("jwk", privateKey);
    const bytes = publicKey ?? Uint8Array.from(Buffer.from(x, "base64url"));
    return { privateKey, publicKey: await subtle.importKey("raw", bytes, { name: "X25519" }, true, []), bytes };
}

export async function signingPair(raw) {
    const privateKey = await subtle.importKey("pkcs8", pkcs8("70", raw), { name: "Ed25519" }, true, ["sign"]);
    const { x } = await subtle.exportKey("jwk", privateKey);
    return { privateKey, bytes: Uint8Array.from(Buffer.from(x, "base64url")) };
}
