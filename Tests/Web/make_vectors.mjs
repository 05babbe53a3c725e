// Writes Tests/Vectors/channel.json: node Tests/Web/make_vectors.mjs > Tests/Vectors/channel.json
// The keys are fixed, so both implementations must give these very bytes (Tests/ChannelTests/ChannelVectorTests.swift opens and reseals them).

import { agreementPair, signingPair, WEB } from "./keys.mjs";

const { bigEndian, concat, hex, pad, utf8 } = await import(new URL("bytes.js", WEB));
const channel = await import(new URL("channel.js", WEB));
const { subtle } = globalThis.crypto;
const fill = (byte, count) => new Uint8Array(count).fill(byte);

const [identitySeed, nodePrivate, ephemeralPrivate] = [fill(1, 32), fill(2, 32), fill(3, 32)];
const identity = await signingPair(identitySeed);
const node = await agreementPair(nodePrivate);
const start = 1800000000;
const head = concat(utf8("CLNK"), new Uint8Array([1, 0, 0x20, 0, 1, 0, 2]), fill(4, 8), bigEndian(start, 8), bigEndian(start + 86400, 8), node.bytes, identity.bytes);
const signed = concat(head, new Uint8Array(126 - head.length));
const signature = new Uint8Array(await subtle.sign({ name: "Ed25519" }, identity.privateKey, concat(utf8("Cloister nodekey v1"), signed)));
const record = concat(signed, signature);
const challenge = fill(5, 32);
const credential = { passphrase: { name: "Ada", passphrase: "correct horse" } };
const parsed = await channel.readNode(record, start);
const { body, key } = await channel.seal(credential, parsed, challenge, await agreementPair(ephemeralPrivate));

const expand = async (info) => new Uint8Array(await subtle.sign("HMAC", key, concat(info, new Uint8Array([1]))));
const route = (await expand(utf8("cloister/route/v1"))).slice(0, 16);
const place = { account: fill(6, 16), object: fill(7, 16), action: "conversations.send", tab: fill(8, 8), counter: 1n };
const request = await channel.sealRequest(key, place, utf8('{"text":"hello"}'));

async function piece(json, index, final) {
    const raw = await expand(concat(utf8("cloister/reply/v1"), place.tab, bigEndian(place.counter, 8)));
    const sealing = await subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
    const additionalData = concat(utf8("cloister/reply/v1"), place.account, place.object, bigEndian(place.action.length, 2), utf8(place.action),
        place.tab, bigEndian(place.counter, 8), bigEndian(index, 8), new Uint8Array([final]));
    const iv = concat(new Uint8Array(4), bigEndian(index, 8));
    return hex(new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, sealing, pad(utf8(json), 64))));
}

const pieces = ['{"text":"he"}', '{"done":{}}'];
console.log(JSON.stringify({
    identitySeed: hex(identitySeed), nodePrivate: hex(nodePrivate), ephemeralPrivate: hex(ephemeralPrivate), now: start,
    record: hex(record), challenge: hex(challenge), fingerprint: parsed.fingerprint, credential, body: hex(body), route: hex(route),
    account: hex(place.account), object: hex(place.object), action: place.action, tab: hex(place.tab), counter: 1,
    requestJSON: '{"text":"hello"}', request: hex(request),
    pieces: await Promise.all(pieces.map(async (json, index) => ({ json, final: index === 1, piece: await piece(json, index, index) }))),
}, null, 1));
