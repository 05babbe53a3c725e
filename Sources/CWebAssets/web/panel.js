// The privacy panel: each line a claim, its evidence computed at this moment with source and time, and a way to try to refute it. What
// is not known is not shown.

import { element } from "./dom.js";
import { S } from "./strings.js";

const P = S.panel;
const rows = (text, width, step) => (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []).map((row) => row.match(new RegExp(`.{1,${step}}`, "g")).join(" "));
const group = (title, ...lines) => [element("h3", {}, title), element("dl", {}, ...lines)];

// `refuting`: how to try to show that the claim is false, as nodes.
const line = (claim, value, source, ...refuting) => element("div", { class: "evidence" }, element("dt", {}, claim),
    element("dd", {}, value, element("small", {}, source),
        refuting.length ? element("details", {}, element("summary", {}, P.refute), ...refuting) : null));
const command = (text, typed) => [element("p", {}, text), element("pre", { class: "command", tabindex: 0 }, typed)];

// A word for a shell: in single quotes, whatever it holds.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The browser forgets entries beyond its buffer; then the page cannot say what it loaded, and says that.
let overflowed = false;
performance.setResourceTimingBufferSize(100_000);
performance.addEventListener("resourcetimingbufferfull", () => (overflowed = true));

function loaded() {
    const entries = performance.getEntriesByType("resource");
    const elsewhere = entries.filter((entry) => new URL(entry.name).origin !== location.origin);
    const value = overflowed ? P.loadedUnknown : P.loadedValue(entries.length, elsewhere.map((entry) => new URL(entry.name).host));
    return line(P.loaded, value, P.source(P.browser, new Date()), element("p", {}, P.refuteLoaded));
}

function stored({ lastRecord, time, archive }) {
    if (!lastRecord) return line(P.stored, P.nothingStored, P.source(P.archive, time));
    return line(P.stored, element("pre", { class: "hex", tabindex: 0 }, rows(lastRecord.hex, 32, 4).slice(0, 8).join("\n")),
        P.source(P.record(lastRecord.sequence, lastRecord.bytes), time),
        ...(archive ? command(P.refuteStored, `grep -c -a -i ${quoted(P.aWord)} ${quoted(archive)}*`) : []));
}

// Flips a bit of a copy of the last record while the person watches.
function tampering(chat, { lastRecord, time }) {
    if (!lastRecord) return line(P.intact, P.nothingStored, P.source(P.archive, time));
    const said = element("p", { role: "status" });
    const flip = () => chat.guard(async () => {
        const { tampering } = await chat.channel.ask("evidence.tamper");
        said.textContent = tampering ? P.flipped(tampering) : P.nothingStored;
    });
    const made = line(P.intact, P.intactValue, P.source(P.archive, time), element("button", { class: "outlined", onclick: flip }, P.flip), said);
    made.querySelector("details").open = true;
    return made;
}

function models({ models, time }) {
    return models.map((model) => line(P.model, element("code", { class: "hex" }, rows(model.digest, 32, 8).join("\n")),
        P.source(model.guide ? S.chat.guide : model.name, time),
        ...(model.guide ? [element("p", {}, P.refuteGuide)] : command(P.refuteModel, `cloister models verify ${quoted(model.id)}`))));
}

const CLAIMS = {
    supervisor: P.confined.supervisor, gateway: P.confined.gateway, endpoints: P.confined.endpoints, cell: P.confined.cell, engine: P.confined.engine, relay: P.confined.relay,
};

// What a locked process tried and what the kernel said to it.
function confined({ role, process, attempts, ...held }, time) {
    const refused = attempts.filter(({ refusal }) => refusal);
    const breaches = attempts.filter(({ refusal, granted }) => !refusal && !granted).map(({ name }) => name);
    const allowed = attempts.filter(({ refusal, granted }) => !refusal && granted).map(({ name }) => name);
    return line(CLAIMS[role] ?? role, P.tried(attempts.length - allowed.length, refused.length, breaches), P.source(P.confinedSource(process, P.held(held)), time),
        ...(allowed.length ? [element("p", {}, P.openOfFirst), element("p", {}, P.allowed(allowed))] : []), element("ul", { class: "attempts" }, ...attempts.map((attempt) => element("li", {}, P.attempt(attempt)))));
}

function walls(chat, { confined: processes, time }) {
    const shown = element("div", { role: "status" });
    const breakOut = () => chat.guard(async () => {
        const { confined: tried } = await chat.channel.ask("evidence.breakout");
        shown.replaceChildren(element("dl", {}, ...tried.map((process) => confined(process, new Date()))));
    });
    return [...processes.map((process) => confined(process, time)),
        ...(processes.length ? [element("div", { class: "evidence" }, element("button", { class: "outlined", onclick: breakOut }, P.breakOut), element("small", {}, P.breakOutHint), shown)] : [])];
}

// Whether anything may be fetched, and which networks the processes got because nothing may.
function airGap({ airGap: gap, confined: processes, process, time }) {
    if (!gap) return [];
    if (!gap.setBy) return [line(P.airGap, P.airGapOff, P.source(P.settings, time))];
    const apart = processes.filter(({ network }) => network);
    const networks = apart.map(({ role, network }) => P.networkOf(role, network, gap.network));
    return [line(P.airGap, P.airGapOn(gap.setBy), P.source(P.settings, time)),
        ...(apart.length ? [line(P.networks, networks.join("; "), P.source(P.networkSource(gap.network), time),
            ...command(P.refuteNetworks, `sudo readlink ${[process, ...apart.map((one) => one.process)].map((number) => `/proc/${number}/ns/net`).join(" ")}`))] : [])];
}

export async function showPanel(node, chat, close) {
    const evidence = await chat.channel.ask("evidence");
    const { time, listening, outgoing, accepted, source, process, store, confined: held } = evidence;
    const withConnections = [process, ...held.filter(({ role }) => role === "gateway" || role === "endpoints").map(({ process }) => process)];
    const ours = `grep -E 'pid=(${withConnections.join("|")}),'`;
    const kernel = P.source(source, time);
    const connections = outgoing.map(({ remote, state }) => `${remote} (${state})`).join(", ");
    node.replaceChildren(
        element("header", {}, element("h2", {}, P.title), close), element("p", { class: "hint" }, P.lead),
        ...group(P.network, line(P.outgoing, connections || P.none, kernel, ...command(P.refuteOutgoing, `ss -tanp | ${ours}`)),
            line(P.listening, listening.join(", ") || P.none, kernel, ...command(P.refuteListening, `ss -tlnp | ${ours}`)),
            line(P.accepted, String(accepted), kernel), loaded(), ...airGap(evidence)),
        ...group(P.disk, stored(evidence), tampering(chat, evidence), line(P.records, P.recordsValue(store.records, store.bytes), P.source(P.archive, time))),
        ...group(P.program, ...models(evidence)), ...group(P.walls, ...walls(chat, evidence)),
        element("button", { class: "outlined", onclick: () => chat.guard(() => showPanel(node, chat, close)) }, P.refresh));
}
