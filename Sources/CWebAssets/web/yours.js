// What belongs to the person: what is kept, who may come in, the keys, and everything that is stored about them.

import { button, element, field, icon } from "./dom.js";
import { explain } from "./explain.js";
import { exportAll } from "./exporting.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";

const Y = S.yours;
const IDLE = [5, 15, 60, 240];

// A part of the page that can make itself again: `make()` returns its nodes.
function section(chat, title, make) {
    const [body, problem] = [element("div"), element("p", { class: "problem", role: "alert" })];
    const node = element("section", {}, element("h2", {}, title), body, problem);
    // One thing at a time; what is shown once is shown whatever happens then. A session that was locked goes to the unlock screen.
    const attempt = (work) => chat.guard(async () => {
        problem.textContent = "";
        body.inert = true;
        let said = [];
        try {
            said = (await work()) ?? [];
            await fill();
        } catch (error) {
            if (chat.isLocked(error)) throw error;
            problem.textContent = explain(error);
        } finally {
            body.inert = false;
            body.append(...said);
        }
    });
    const fill = async () => body.replaceChildren(...(await make(attempt)));
    return { node, fill };
}

const action = (label, work, kind = "outlined") => element("button", { class: kind, type: "button", onclick: work }, label);
const hint = (text) => element("p", { class: "hint" }, text);
const row = (...cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
const table = (heads, rows) => element("div", { class: "table", tabindex: 0 },
    element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))), element("tbody", {}, ...rows)));
const day = (text) => (text ? new Date(text).toLocaleDateString() : Y.never);
const time = (text) => new Date(text).toLocaleString([], { dateStyle: "short", timeStyle: "short" });

function keeping(chat) {
    const { channel } = chat;
    return section(chat, Y.keeping, async (attempt) => {
        const { keep, idleMinutes } = await channel.ask("settings");
        const change = (content) => attempt(async () => {
            const settings = await channel.ask("settings", null, content);
            chat.opened.keep = settings.keep;
            chat.idle.start(settings.idleMinutes);
        });
        const box = element("input", { type: "checkbox", checked: keep, onchange: () => change({ keep: box.checked }) });
        const minutes = element("select", { onchange: () => change({ idleMinutes: Number(minutes.value) }) },
            ...[...new Set([...IDLE, idleMinutes])].sort((a, b) => a - b).map((value) => element("option", { value, selected: value === idleMinutes }, Y.minutes(value))));
        return [
            element("label", { class: "line" }, box, element("span", {}, S.create.keep, element("small", {}, Y.keepHint))),
            element("label", { class: "line" }, element("span", {}, Y.idle), minutes),
            element("div", { class: "buttons left" }, action(Y.exportJSON, () => exportAll(chat, "json").then(() => chat.tellYours())), action(Y.exportMarkdown, () => exportAll(chat, "markdown").then(() => chat.tellYours()))),
        ];
    });
}

function sessions(chat) {
    const { channel } = chat;
    return section(chat, Y.sessions, async (attempt) => {
        const { sessions } = await channel.ask("sessions");
        return [hint(Y.sessionsHint), table([Y.session, Y.opened, Y.lastUse, ""], sessions.map(({ id, opened, lastUse, scope, own }) =>
            row(own ? Y.thisOne : scope === "owner" ? Y.anotherBrowser : Y.program, time(opened), time(lastUse),
                own ? "" : action(Y.close, () => attempt(async () => void (await channel.ask("sessions.close", id)))))))];
    });
}

function keys(chat) {
    const { channel } = chat;
    return section(chat, Y.keys, async (attempt) => {
        const { keys } = await channel.ask("keys");
        const { input, node } = field(Y.label, { name: "label", required: true, maxlength: 80, autocomplete: "off" });
        const create = () => attempt(async () => {
            const { token } = await channel.ask("keys.create", null, { label: input.value.trim() });
            return [element("div", { class: "once" }, hint(Y.token), element("code", {}, token), action(S.turn.copy, () => navigator.clipboard.writeText(token)))];
        });
        const form = element("form", { class: "inline", onsubmit: (event) => (event.preventDefault(), create()) }, node, element("button", { class: "outlined" }, Y.create));
        const rows = keys.map(({ id, label, created, lastUse, conversations }) =>
            row(visible(label), day(created), day(lastUse), Y.conversations(conversations), action(Y.revoke, () => attempt(async () => void (await channel.ask("keys.revoke", id))))));
        return [hint(Y.keysHint), ...(rows.length ? [table([Y.label, Y.created, Y.lastUse, Y.scope, ""], rows)] : []), form];
    });
}

const secret = (label, name, autocomplete) => field(label, { name, type: "password", required: true, autocomplete, minlength: name === "new" ? 8 : null });

function secrets(chat) {
    const { channel } = chat;
    return section(chat, Y.secrets, async (attempt) => {
        const current = secret(Y.current, "current", "current-password");
        const fresh = secret(Y.fresh, "new", "new-password");
        fresh.input.required = false;
        const form = element("form", { onsubmit: (event) => event.preventDefault() }, current.node, fresh.node);
        const doing = (work) => () => form.reportValidity() && attempt(work);
        const code = (recovery) => [element("div", { class: "once" }, hint(Y.newCode), element("code", { class: "hex" }, recovery))];
        const change = doing(async () => {
            if (!fresh.input.value) throw new Error(Y.noNew);
            await channel.ask("passphrase.change", null, { current: current.input.value, new: fresh.input.value });
            return [hint(Y.changed)];
        });
        const renew = doing(async () => code((await channel.ask("recovery.renew", null, { current: current.input.value })).recovery));
        const rekey = doing(async () => {
            let recovery;
            for await (const piece of channel.stream("rekey", null, { current: current.input.value, ...(fresh.input.value && { new: fresh.input.value }) })) {
                if (piece.rekeyed !== undefined) form.querySelector("[role=status]").textContent = Y.rekeying(piece.rekeyed, piece.of);
                recovery = piece.recovery ?? recovery;
            }
            return [hint(Y.rekeyed), ...code(recovery)];
        });
        form.append(element("div", { class: "buttons left" }, action(Y.change, change), action(Y.renew, renew), action(Y.rekey, rekey)), element("p", { class: "hint", role: "status" }));
        return [hint(Y.secretsHint), form];
    });
}

function stored(chat) {
    const { channel } = chat;
    return section(chat, Y.stored, async () => {
        const { stored } = await channel.ask("stored");
        const part = (name, { count, bytes }) => row(name, String(count), Y.bytes(bytes), Y.sealed);
        return [table([Y.what, Y.count, Y.size, Y.readable], [
            part(Y.account, stored.account), part(Y.heads, stored.conversations), part(Y.records, stored.records),
            row(Y.keyDays, String(stored.keys), "", Y.clear), row(Y.attempts, String(stored.failedAttempts), "", Y.clear),
        ]), hint(Y.storedHint)];
    });
}

export async function showYours(chat) {
    const sections = [keeping, sessions, keys, secrets, stored].map((make) => make(chat));
    for (const { fill } of sections) await fill();
    const note = element("p", { class: "hint", role: "status" });
    chat.tellYours = () => (note.textContent = chat.note.textContent);
    return element("section", { class: "yours", tabindex: -1, "aria-label": Y.title },
        element("header", {}, element("h1", {}, icon("person"), Y.title), button("close", Y.back, () => chat.enter(chat.conversation))),
        element("div", { class: "sheet" }, note, ...sections.map(({ node }) => node)));
}
