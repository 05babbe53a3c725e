// The privacy panel: each line computed at this moment, with its source and its time. What is not known is not shown.

import { element } from "./dom.js";
import { S } from "./strings.js";

const P = S.panel;
const line = (claim, value, source) =>
    element("div", { class: "evidence" }, element("dt", {}, claim), element("dd", {}, value, element("small", {}, source)));
const group = (title, ...lines) => [element("h3", {}, title), element("dl", {}, ...lines)];
const rows = (text, width, step) => (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []).map((row) => row.match(new RegExp(`.{1,${step}}`, "g")).join(" "));

// The browser forgets entries beyond its buffer; then the page cannot say what it loaded, and says that.
let overflowed = false;
performance.setResourceTimingBufferSize(100_000);
performance.addEventListener("resourcetimingbufferfull", () => (overflowed = true));

function loaded() {
    const entries = performance.getEntriesByType("resource");
    const elsewhere = entries.filter((entry) => new URL(entry.name).origin !== location.origin);
    const value = overflowed ? P.loadedUnknown : P.loadedValue(entries.length, elsewhere.map((entry) => new URL(entry.name).host));
    return line(P.loaded, value, P.source(P.browser, new Date()));
}

function stored(record, time) {
    if (!record) return line(P.stored, P.nothingStored, P.source(P.archive, time));
    return line(P.stored, element("pre", { class: "hex", tabindex: 0 }, rows(record.hex, 32, 4).slice(0, 8).join("\n")),
        P.source(P.record(record.sequence, record.bytes), time));
}

export async function showPanel(node, channel, close) {
    const { time, listening, outgoing, accepted, source, models, lastRecord, store, walls } = await channel.ask("evidence");
    const kernel = P.source(source, time);
    const digests = models.map((model) => line(P.model, element("code", { class: "hex" }, rows(model.digest, 32, 8).join("\n")),
        P.source(model.guide ? S.chat.guide : model.name, time)));
    const connections = outgoing.map(({ remote, state }) => `${remote} (${state})`).join(", ");
    node.replaceChildren(
        element("header", {}, element("h2", {}, P.title), close), element("p", { class: "hint" }, P.lead),
        ...group(P.network, line(P.outgoing, connections || P.none, kernel), line(P.listening, listening.join(", ") || P.none, kernel),
            line(P.accepted, String(accepted), kernel), loaded()),
        ...group(P.disk, stored(lastRecord, time), line(P.records, P.recordsValue(store.records, store.bytes), P.source(P.archive, time))),
        ...group(P.program, ...digests,
            line(P.walls, walls === "not enforced" ? P.noWalls : walls, P.source(P.node, time))),
        element("button", { class: "outlined", onclick: () => showPanel(node, channel, close) }, P.refresh));
}
