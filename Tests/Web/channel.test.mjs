import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { agreementPair, WEB } from "./keys.mjs";

const { fromHex, hex, pad, unpad, utf8 } = await import(new URL("bytes.js", WEB));
const channel = await import(new URL("channel.js", WEB));
const v = JSON.parse(readFileSync(new URL("../Vectors/channel.json", import.meta.url)));
const record = fromHex(v.record);
const place = { account: fromHex(v.account), object: fromHex(v.object), action: v.action, tab: fromHex(v.tab), counter: BigInt(v.counter) };

async function opened() {
    const node = await channel.readNode(record, v.now);
    return channel.seal(v.credential, node, fromHex(v.challenge), await agreementPair(fromHex(v.ephemeralPrivate)));
}

test("openings, requests and replies are those of the vectors", async () => {
    assert.equal((await channel.readNode(record, v.now)).fingerprint, v.fingerprint);
    const { body, key } = await opened();
    assert.equal(hex(body), v.body);
    assert.equal(hex(await channel.sealRequest(key, place, utf8(v.requestJSON))), v.request);
    const opener = new channel.ReplyOpener(key, place);
    for (const { json, piece } of v.pieces) assert.equal(new TextDecoder().decode(await opener.open(fromHex(piece))), json);
    opener.end();
    await assert.rejects(opener.open(fromHex(v.pieces[1].piece)), "after the end");
});

test("the key cannot be read out", async () => {
    const { key } = await opened();
    assert.equal(key.extractable, false);
    await assert.rejects(crypto.subtle.exportKey("raw", key));
});

test("every changed byte of a node record is refused, and so is another time", async () => {
    for (let index = 0; index < record.length; index++) {
        const changed = record.slice();
        changed[index] ^= 1;
        await assert.rejects(channel.readNode(changed, v.now), `byte ${index}`);
    }
    for (const now of [v.now - 301, v.now + 86400 + 301]) await assert.rejects(channel.readNode(record, now));
});

test("pieces are refused when reordered, repeated, changed or cut", async () => {
    const { key } = await opened();
    const [first, last] = v.pieces.map(({ piece }) => fromHex(piece));
    await assert.rejects(new channel.ReplyOpener(key, place).open(last));
    const opener = new channel.ReplyOpener(key, place);
    await opener.open(first);
    await assert.rejects(opener.open(first));
    assert.throws(() => opener.end(), /cut off/);
    for (const other of [{ counter: 2n }, { action: "lock" }, { object: new Uint8Array(16) }, { tab: new Uint8Array(8) }]) {
        await assert.rejects(new channel.ReplyOpener(key, { ...place, ...other }).open(first));
    }
    for (let index = 0; index < first.length; index += 5) {
        const changed = first.slice();
        changed[index] ^= 1;
        await assert.rejects(new channel.ReplyOpener(key, place).open(changed));
    }
});

test("events are found however the stream is cut", async () => {
    const text = new TextEncoder().encode(": beat\n\ndata: AQID\n\ndata: BAUG\n\n");
    for (const size of [1, 2, 7, 100]) {
        const stream = new ReadableStream({
            start(controller) {
                for (let at = 0; at < text.length; at += size) controller.enqueue(text.slice(at, at + size));
                controller.close();
            },
        });
        const found = [];
        for await (const piece of channel.events(stream)) found.push(hex(piece));
        assert.deepEqual(found, ["010203", "040506"]);
    }
});

test("padding comes off again, and is refused when it is not zero", () => {
    for (const count of [0, 1, 60, 61, 1000]) assert.deepEqual(unpad(pad(new Uint8Array(count).fill(9), 64)), new Uint8Array(count).fill(9));
    assert.throws(() => unpad(new Uint8Array([0, 0, 0, 1, 7, 1])));
    assert.throws(() => unpad(new Uint8Array([255, 255, 255, 255, 7])));
});

test("no file of the page makes markup from text, keeps secrets in storage, or uses a word that it must not", () => {
    for (const name of readdirSync(WEB)) {
        const text = readFileSync(new URL(name, WEB), "utf8");
        for (const banned of [/innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function/,
            /localStorage|sessionStorage/, /end-to-end|military grade|HIPAA compliant/i, /\sstyle="/, /https?:\/\/(?!www\.w3\.org\/2000\/svg)\w/]) {
            assert.doesNotMatch(text, banned, `${name}: ${banned}`);
        }
    }
});
