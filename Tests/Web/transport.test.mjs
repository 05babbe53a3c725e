// Server-sent events, cut anywhere; a tab that sends in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "./host.mjs";
import { web } from "./web.mjs";

const { Channel, events, open } = await web("transport.js");
const { importSecret } = await web("channel.js");
const { base64url, fromBase64url, utf8 } = await web("bytes.js");

const pieces = [new Uint8Array([1, 2, 3]), new Uint8Array(100).fill(250), new Uint8Array([255])];
const wire = utf8(pieces.map((piece) => `data: ${base64url(piece)}\n\n`).join(": heartbeat\n\n"));
const streamed = (...chunks) => new ReadableStream({ start: (control) => (chunks.forEach((chunk) => control.enqueue(chunk)), control.close()) });

async function all(stream) {
    const found = [];
    for await (const piece of events(stream)) found.push(piece);
    return found;
}

test("events are found however the bytes are cut", async () => {
    for (let cut = 0; cut <= wire.length; cut++) assert.deepEqual(await all(streamed(wire.slice(0, cut), wire.slice(cut))), pieces, `cut at ${cut}`);
    assert.deepEqual(await all(streamed(...Array.from(wire, (byte) => new Uint8Array([byte])))), pieces);
});

test("an event that was not ended is not read", async () => {
    assert.deepEqual(await all(streamed(wire.slice(0, -3))), pieces.slice(0, 2));
});

test("who stops listening closes the connection", async () => {
    let cancelled = false;
    const endless = new ReadableStream({ pull: (control) => control.enqueue(wire), cancel: () => void (cancelled = true) });
    for await (const piece of events(endless)) {
        assert.deepEqual(piece, pieces[0]);
        break;
    }
    assert.ok(cancelled);
});

test("a line without an end, and what is not base64url, are errors", async () => {
    const flood = new ReadableStream({ pull: (control) => control.enqueue(new Uint8Array(1 << 20).fill(65)) });
    await assert.rejects(all(flood));
    assert.throws(() => fromBase64url("a+b/"));
});

async function answering(host, answer, work) {
    const before = globalThis.fetch;
    globalThis.fetch = answer;
    try {
        return await work(new Channel(await importSecret(new Uint8Array(host.secret)), "01".repeat(16)));
    } finally {
        globalThis.fetch = before;
    }
}

// What the host reads from a request and where it answers.
function placeOf(path, body) {
    const [, action, object] = path.match(/^\/cloister\/v1\/cell\/([a-z.]+)(?:\/([0-9a-f]{32}))?$/);
    return { account: Buffer.alloc(16, 1), object: object ? Buffer.from(object, "hex") : Buffer.alloc(16), action, tab: Buffer.from(body.slice(1, 9)), counter: Buffer.from(body).readBigUInt64BE(9) };
}

const host = Object.assign(new Host(), { secret: Buffer.alloc(32, 4) });
const answer = (values, cut = values.length) => async (path, { body }) => {
    const place = placeOf(path, body);
    host.openRequest(Buffer.from(body), place);
    const sealed = values.slice(0, cut).map((value, index) => `data: ${base64url(host.piece(place, index, index === values.length - 1, value))}\n\n`);
    return new Response(sealed.join(""));
};

test("requests of a tab count up from one, each after the head of the reply before", async () => {
    const [counters, running] = [[], { now: 0, most: 0 }];
    const slow = async (path, request) => {
        running.most = Math.max(running.most, ++running.now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        counters.push(placeOf(path, request.body).counter);
        running.now--;
        return answer([{ ok: true }])(path, request);
    };
    await answering(host, slow, (channel) => Promise.all([1, 2, 3].map(() => channel.ask("models"))));
    assert.deepEqual(counters, [1n, 2n, 3n]);
    assert.equal(running.most, 1);
});

test("a reply without its last piece is an error, after what did arrive", async () => {
    const read = [];
    await answering(host, answer([{ text: "a" }, { text: "b" }, { done: {} }], 2), async (channel) => {
        await assert.rejects(async () => {
            for await (const said of channel.stream("conversations.send", "02".repeat(16))) read.push(said.text);
        }, /cut/);
    });
    assert.deepEqual(read, ["a", "b"]);
});

test("an answer in clear is an error with its status, and the tab goes on", async () => {
    const replies = [async () => new Response('{"error":{"code":"denied","message":"locked"}}', { status: 401 }), answer([{ ok: true }])];
    await answering(host, (...request) => replies.shift()(...request), async (channel) => {
        await assert.rejects(channel.ask("models"), (error) => error.status === 401 && error.message === "locked");
        assert.deepEqual(await channel.ask("models"), { ok: true });
    });
});

test("nothing is sent to a node that is not the known one", async () => {
    const asked = [];
    const offer = async (path) => {
        asked.push(path);
        return new Response(new Uint8Array(Buffer.concat([host.record(), host.challenge])));
    };
    await answering(host, offer, () => assert.rejects(open({ key: { token: "cloister_x" } }, () => { throw new Error("another node"); }), /another node/));
    assert.deepEqual(asked, ["/cloister/v1/node"]);
});
