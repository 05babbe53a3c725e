// Bytes and text. Everything on the wire is big-endian (docs/formats/channel.md).

export const utf8 = (text) => new TextEncoder().encode(text);

export function concat(...parts) {
    const output = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
        output.set(part, offset);
        offset += part.length;
    }
    return output;
}

export function bigEndian(value, count) {
    const output = new Uint8Array(count);
    for (let index = count - 1, rest = BigInt(value); index >= 0; index--, rest >>= 8n) output[index] = Number(rest & 255n);
    return output;
}

export const equal = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text) {
    if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("not hexadecimal");
    return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export const base64url = (bytes) =>
    btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function fromBase64url(text) {
    if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error("not base64url");
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

// padded(x) = length (4) ‖ x ‖ zeros up to a multiple of `unit`.
export function pad(content, unit) {
    const size = Math.ceil((content.length + 4) / unit) * unit;
    const output = new Uint8Array(size);
    output.set(bigEndian(content.length, 4));
    output.set(content, 4);
    return output;
}

export function unpad(padded) {
    if (padded.length < 4) throw new Error("malformed padding");
    const count = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
    if (count > padded.length - 4 || padded.subarray(4 + count).some((byte) => byte !== 0)) throw new Error("malformed padding");
    return padded.slice(4, 4 + count);
}
