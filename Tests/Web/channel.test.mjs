// The client's side of the channel against a host that was written apart from it, and against Swift's vectors.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Host, padded, rawX25519 } from "./host.mjs";
import { vectors, web } from "./web.mjs";

const { ReplyOpener, Refusal, openingReply, parse, readNode, seal, sealRequest } = await web("channel.js");
const { fromHex, hex, pad, unpad, utf8 } = await web("bytes.js");
const { subtle } = globalThis.crypto;

const place = { account: Buffer.alloc(16, 1), object: Buffer.alloc(16, 2), action: "conversations.send", tab: Buffer.alloc(8, 3), counter: 5n };
const opening = { account: Buffer.alloc(16), object: Buffer.alloc(16), action: "open", tab: Buffer.alloc(8), counter: 0n };
const credential = { passphrase: { name: "Ada", passphrase: "correct lantern harbour violet" } };

async function channel() {
    const host = new Host();
    const record = host.record();
    const { body, key } = await seal(credential, await readNode(new Uint8Array(record), host.now), host.challenge);
    const opened = host.openBody(Buffer.from(body), record);
    return { host, key, ...opened };
}

test("a credential reaches the host, padded to 256", async () => {
    const { credential: read, size } = await channel();
    assert.deepEqual(read, credential);
    assert.equal(size % 256, 0);
});

test("the channel's key cannot be read out", async () => {
    const { key } = await channel();
    assert.equal(key.extractable, false);
    await assert.rejects(subtle.exportKey("raw", key));
});

test("the reply to an opening is read, and a sealed refusal is an error with its code", async () => {
    const { host, key } = await channel();
    assert.deepEqual(await openingReply(key, host.piece(opening, 0, true, { account: "00" })), { account: "00" });
    const refusal = host.piece(opening, 0, true, { error: { code: "wrongCredential", message: "no" } });
    await assert.rejects(openingReply(key, refusal), (error) => error instanceof Refusal && error.code === "wrongCredential");
});

test("an opening reply from someone without the key is refused", async () => {
    const [mine, other] = [await channel(), await channel()];
    await assert.rejects(openingReply(mine.key, other.host.piece(opening, 0, true, { account: "00" })));
});

test("a node record is read, and its fingerprint is the identity's", async () => {
    const host = new Host();
    assert.equal((await readNode(new Uint8Array(host.record()), host.now)).fingerprint, host.fingerprint);
    assert.equal(host.fingerprint.length, 43);
});

const spoiled = {
    "a wrong magic": { change: (body) => (body[0] ^= 1) },
    "another version": { change: (body) => (body[4] = 2) },
    "another suite": { change: (body) => (body[10] = 1) },
    "an unknown evidence type": { change: (body) => (body[99] = 1) },
    "a reserved byte": { change: (body) => (body[125] = 1) },
    "a time to come": (host) => ({ notBefore: host.now + 400 }),
    "a time gone by": (host) => ({ notBefore: host.now - 8000, notAfter: host.now - 400 }),
    "a life of more than a day": (host) => ({ notAfter: host.now + 86_401 }),
    "an end before its beginning": (host) => ({ notAfter: host.now - 1 }),
};
for (const [name, change] of Object.entries(spoiled)) {
    test(`a node record with ${name} is refused though it is signed`, async () => {
        const host = new Host();
        const record = host.record(typeof change === "function" ? change(host) : change);
        await assert.rejects(readNode(new Uint8Array(record), host.now));
    });
}

test("a node record with any flipped bit, or of another length, is refused", async () => {
    const host = new Host();
    const record = new Uint8Array(host.record());
    for (let index = 0; index < record.length; index += 3) {
        const other = record.slice();
        other[index] ^= 0x10;
        await assert.rejects(readNode(other, host.now), `byte ${index}`);
    }
    await assert.rejects(readNode(record.slice(1), host.now));
    await assert.rejects(readNode(new Uint8Array([...record, 0]), host.now));
});

test("a low-order HPKE key is refused before anything is sealed", async () => {
    const host = new Host();
    const node = await readNode(new Uint8Array(host.record({ key: Buffer.alloc(32) })), host.now);
    await assert.rejects(seal(credential, node, host.challenge));
});

test("a request opens at its place only, and is a multiple of 64", async () => {
    const { host, key } = await channel();
    const body = Buffer.from(await sealRequest(key, place, utf8('{"text":"hello"}')));
    assert.deepEqual(host.openRequest(body, place), { text: "hello" });
    assert.equal((body.length - 17 - 16) % 64, 0);
    for (const other of [{ account: Buffer.alloc(16, 9) }, { object: Buffer.alloc(16, 9) }, { action: "conversations.stop" }, { tab: Buffer.alloc(8, 9) }, { counter: 6n }]) {
        assert.throws(() => host.openRequest(body, { ...place, ...other }), Object.keys(other)[0]);
    }
});

async function reply(pieces) {
    const { host, key } = await channel();
    const opener = new ReplyOpener(key, place);
    return { opener, pieces: pieces.map(([index, final, value, at = place, content]) => host.piece(at, index, final, value, content)) };
}

test("pieces open in their order, to their end", async () => {
    const { opener, pieces } = await reply([[0, false, { text: "a" }], [1, false, { text: "b" }], [2, true, { done: {} }]]);
    const read = [];
    for (const piece of pieces) read.push(parse(await opener.open(piece)));
    opener.end();
    assert.deepEqual(read, [{ text: "a" }, { text: "b" }, { done: {} }]);
});

test("a reply that was cut is an error", async () => {
    const { opener, pieces } = await reply([[0, false, { text: "a" }]]);
    await opener.open(pieces[0]);
    assert.throws(() => opener.end());
});

test("a piece is refused a second time, out of order, or after the end", async () => {
    const { opener, pieces } = await reply([[0, false, { text: "a" }], [1, false, { text: "b" }], [2, true, { done: {} }], [3, true, { text: "more" }]]);
    await assert.rejects(opener.open(pieces[1]));
    await opener.open(pieces[0]);
    await assert.rejects(opener.open(pieces[0]));
    await assert.rejects(opener.open(pieces[2]));
    await opener.open(pieces[1]);
    await opener.open(pieces[2]);
    await assert.rejects(opener.open(pieces[3]));
});

test("a piece of another place, request or tab is refused", async () => {
    for (const other of [{ object: Buffer.alloc(16, 9) }, { counter: 6n }, { tab: Buffer.alloc(8, 9) }, { action: "complete" }]) {
        const { opener, pieces } = await reply([[0, true, {}, { ...place, ...other }]]);
        await assert.rejects(opener.open(pieces[0]), Object.keys(other)[0]);
    }
});

test("a piece with any flipped bit is refused", async () => {
    const { opener, pieces } = await reply([[0, true, { text: "a" }]]);
    for (let index = 0; index < pieces[0].length; index++) {
        const other = pieces[0].slice();
        other[index] ^= 1;
        await assert.rejects(opener.open(other), `byte ${index}`);
    }
});

test("padding with a byte in it, or a length beyond it, is refused", async () => {
    for (const spoil of [(content) => (content[63] = 1), (content) => (content[0] = 1)]) {
        const content = padded("{}");
        spoil(content);
        const { opener, pieces } = await reply([[0, true, null, place, content]]);
        await assert.rejects(opener.open(pieces[0]));
    }
    for (const count of [0, 1, 59, 60, 61, 124]) assert.deepEqual(unpad(pad(new Uint8Array(count), 64)), new Uint8Array(count));
    assert.equal(pad(new Uint8Array(60), 64).length, 64);
    assert.equal(pad(new Uint8Array(61), 64).length, 128);
});

const shared = vectors("channel.json");
test("the vectors that Swift passes are met", { skip: shared ? false : "Tests/Vectors/channel.json is absent" }, async () => {
    const node = await readNode(fromHex(shared.record), shared.now);
    assert.equal(node.fingerprint, shared.fingerprint);
    const privateKey = rawX25519(shared.ephemeralPrivate);
    const { x } = privateKey.export({ format: "jwk" });
    const ephemeral = {
        publicKey: await subtle.importKey("raw", Buffer.from(x, "base64url"), { name: "X25519" }, true, []),
        privateKey: await subtle.importKey("pkcs8", privateKey.export({ format: "der", type: "pkcs8" }), { name: "X25519" }, false, ["deriveBits"]),
    };
    const { body, key } = await seal(shared.credential, node, fromHex(shared.challenge), ephemeral);
    assert.equal(hex(body), shared.body);
    const at = { account: fromHex(shared.account), object: fromHex(shared.object), action: shared.action, tab: fromHex(shared.tab), counter: BigInt(shared.counter) };
    assert.equal(hex(await sealRequest(key, at, utf8(shared.requestJSON))), shared.request);
    const opener = new ReplyOpener(key, at);
    for (const { json, piece } of shared.pieces) assert.equal(new TextDecoder().decode(await opener.open(fromHex(piece))), json);
    opener.end();
});
