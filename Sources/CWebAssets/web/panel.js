// The privacy panel: each line computed at this moment, with its source and its time.

import { element } from "./dom.js";
import { S } from "./strings.js";

const line = (claim, value, source) => element("div", { class: "evidence" },
    element("dt", {}, claim), element("dd", {}, value), source ? element("small", {}, source) : null);

function bytes(text) {
    const groups = (text.match(/.{1,32}/g) ?? []).slice(0, 6).map((row) => row.match(/.{1,4}/g).join(" "));
    return element("pre", { class: "hex" }, groups.join("\n"));
}

export async function showPanel(node, channel) {
    const evidence = await channel.ask("evidence");
    const P = S.panel;
    const kernel = P.source(evidence.source.split(",")[0], evidence.time);
    const files = performance.getEntriesByType("resource");
    const elsewhere = files.filter((file) => !file.name.startsWith(location.origin + "/")).length;
    const outgoing = evidence.outgoing.map((c) => `${c.remote} (${c.state})`).join(", ") || P.none;
    const last = evidence.lastRecord;
    node.replaceChildren(
        element("h2", {}, P.title),
        element("dl", {},
            line(P.outgoing, outgoing, kernel),
            line(P.listening, evidence.listening.join(", "), kernel),
            line(P.accepted, String(evidence.accepted), kernel),
            line(P.stored, last ? bytes(last.hex) : P.nothingStored, last ? `${last.bytes} bytes, record ${last.sequence}` : null),
            line(P.archive, `${evidence.store.records} (${evidence.store.bytes} bytes)`, P.source("archive", evidence.time)),
            line(P.model, element("code", {}, evidence.model.digest.match(/.{1,16}/g).join(" ")), evidence.model.guide ? S.chat.guide : evidence.model.name),
            line(P.loaded, P.loadedValue(files.length, elsewhere), P.source("performance entries", Date.now())),
            line(P.walls, P.wallsValue, null)),
        element("button", { class: "quiet", onclick: () => showPanel(node, channel) }, P.refresh));
}
