// Carries sealed bytes over HTTP: one open channel, one tab of it, replies as server-sent events (docs/formats/channel.md §3, §4).

import { fromBase64url, fromHex, utf8 } from "./bytes.js";
import { NOBODY, Refusal, ReplyOpener, UntrustedNode, openingReply, parse, readNode, seal, sealRequest } from "./channel.js";

const NODE_RECORD = 190;
const OFFER = NODE_RECORD + 32;
// A piece is at most 1 MiB (§5), in base64url with its field name a third more.
const LINE_LIMIT = 1_500_000;

// Finds the data lines of server-sent events, however the bytes are cut. Whoever stops listening closes the connection.
export async function* events(stream) {
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    let pending = "";
    try {
        for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            const lines = (pending + decoder.decode(value, { stream: true })).split(/\r?\n/);
            pending = lines.pop();
            if (pending.length > LINE_LIMIT) throw new Error("a piece that is too long");
            for (const line of lines) if (line.startsWith("data: ")) yield fromBase64url(line.slice(6));
        }
    } finally {
        await reader.cancel().catch(() => {});
    }
}

async function refused(response) {
    const fallback = { code: "internal", message: `The node answered with status ${response.status}.` };
    const body = await response.json().catch(() => ({}));
    return new Refusal(body.error ?? fallback, response.status);
}

async function post(path, body, signal) {
    const response = await fetch(path, { method: "POST", body, signal, credentials: "same-origin", redirect: "error" });
    if (!response.ok) throw await refused(response);
    return response;
}

// Opens a channel. `judge(fingerprint)` throws if the node is not the one that is known; then nothing is sent.
export async function open(credential, judge) {
    const response = await fetch("/cloister/v1/node", { cache: "no-store", redirect: "error" });
    if (!response.ok) throw await refused(response);
    const offer = new Uint8Array(await response.arrayBuffer());
    if (offer.length !== OFFER) throw new UntrustedNode();
    const node = await readNode(offer.slice(0, NODE_RECORD), Date.now() / 1000);
    await judge(node.fingerprint);
    const { body, key } = await seal(credential, node, offer.slice(NODE_RECORD));
    const reply = await post("/cloister/v1/open", body);
    return { key, opened: await openingReply(key, new Uint8Array(await reply.arrayBuffer())) };
}

// One tab of an open channel.
export class Channel {
    constructor(key, account) {
        this.key = key;
        this.account = fromHex(account);
        this.tab = crypto.getRandomValues(new Uint8Array(8));
        this.counter = 0n;
        this.before = Promise.resolve();
    }

    // Sends requests one after another: each waits for the head of the reply before it (§3).
    async send(action, object, content, signal) {
        const before = this.before;
        let release;
        this.before = new Promise((resolve) => (release = resolve));
        await before;
        try {
            const place = { account: this.account, object: object ? fromHex(object) : NOBODY, action, tab: this.tab, counter: ++this.counter };
            const body = await sealRequest(this.key, place, utf8(JSON.stringify(content)));
            const response = await post(`/cloister/v1/cell/${action}${object ? `/${object}` : ""}`, body, signal);
            return { response, opener: new ReplyOpener(this.key, place) };
        } finally {
            release();
        }
    }

    // What the pieces of the reply say, as they come; a reply without its end is an error.
    async *stream(action, object, content = {}, signal = undefined) {
        const { response, opener } = await this.send(action, object, content, signal);
        for await (const piece of events(response.body)) {
            const said = parse(await opener.open(piece));
            yield said;
            if (opener.finished) return;
        }
        opener.end();
    }

    // A reply of one piece.
    async ask(action, object = null, content = {}) {
        let reply;
        for await (const said of this.stream(action, object, content)) reply = said;
        return reply;
    }
}
