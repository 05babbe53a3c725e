// The screens before the chat: creating the owner, the recovery code, unlocking, the alarm.

import { element, field, icon, show } from "./dom.js";
import { strength } from "./strength.js";
import { S } from "./strings.js";

function card(title, lead, ...content) {
    return element("section", { class: "card" },
        element("div", { class: "mark" }, icon("arch"), element("span", {}, S.name)),
        element("h1", {}, title), lead ? element("p", { class: "lead" }, lead) : null, ...content);
}

const problem = () => element("p", { class: "problem", role: "alert" });

function submitting(form, button, note, work) {
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        note.textContent = "";
        button.disabled = true;
        try {
            await work();
        } catch (error) {
            note.textContent = error.message;
        } finally {
            button.disabled = false;
        }
    });
}

export function showCreate(onCreate) {
    const meter = element("span", { class: "hint", id: "strength" });
    const bar = element("meter", { min: 0, max: 4, value: 0, "aria-labelledby": "strength" });
    const name = field(S.create.name, { name: "owner", autocomplete: "username", required: true, maxlength: 80 });
    const passphrase = field(S.create.passphrase,
        { name: "passphrase", type: "password", autocomplete: "new-password", required: true, minlength: 8 },
        element("div", { class: "meter" }, bar, meter));
    const again = field(S.create.again, { name: "again", type: "password", autocomplete: "new-password", required: true });
    passphrase.input.addEventListener("input", () => {
        bar.value = strength(passphrase.input.value);
        meter.textContent = S.strength[bar.value];
    });
    const choice = (value, label, hint, checked) => element("label", { class: "choice" },
        element("input", { type: "radio", name: "keep", value, checked }),
        element("span", {}, element("b", {}, label), element("small", {}, hint)));
    const keep = element("div", { class: "choices", role: "radiogroup" },
        choice("yes", S.create.keep, S.create.keepHint, true), choice("no", S.create.nothing, S.create.nothingHint, false));
    const [button, note] = [element("button", { class: "primary" }, S.create.submit), problem()];
    const form = element("form", {}, name.node, passphrase.node, again.node, keep, note, button);
    submitting(form, button, note, async () => {
        if (passphrase.input.value !== again.input.value) throw new Error(S.create.differ);
        button.textContent = S.create.working;
        try {
            await onCreate(name.input.value, passphrase.input.value, form.elements.keep.value === "yes");
        } finally {
            button.textContent = S.create.submit;
        }
    });
    show(card(S.create.title, S.create.lead, form));
    name.input.focus();
}

export function showRecovery(code, onConfirmed) {
    const groups = code.split("-");
    const [a, b] = [2, 6];
    const first = field(S.recovery.group(a + 1), { name: "first", autocomplete: "off", required: true, maxlength: 8 });
    const second = field(S.recovery.group(b + 1), { name: "second", autocomplete: "off", required: true, maxlength: 8 });
    const [button, note] = [element("button", { class: "primary" }, S.recovery.submit), problem()];
    const form = element("form", {}, element("p", { class: "hint" }, S.recovery.confirm(a + 1, b + 1)),
        element("div", { class: "pair" }, first.node, second.node), note, button);
    const clean = (text) => text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
    submitting(form, button, note, async () => {
        if (clean(first.input.value) !== groups[a] || clean(second.input.value) !== groups[b]) throw new Error(S.recovery.wrong);
        onConfirmed();
    });
    const shown = element("ol", { class: "code" }, ...groups.map((group) => element("li", {}, group)));
    show(card(S.recovery.title, S.recovery.lead, shown, form));
    first.input.focus();
}

export function showUnlock(onUnlock, message = null) {
    let byCode = false;
    const name = field(S.unlock.name, { name: "owner", autocomplete: "username", required: true });
    const passphrase = field(S.unlock.passphrase, { name: "passphrase", type: "password", autocomplete: "current-password", required: true });
    const code = field(S.unlock.code, { name: "code", autocomplete: "off", spellcheck: "false" });
    const [button, note] = [element("button", { class: "primary" }, S.unlock.submit), problem()];
    const other = element("button", { type: "button", class: "quiet" }, S.unlock.useCode);
    const form = element("form", {}, name.node, passphrase.node, note, button, other);
    other.addEventListener("click", () => {
        byCode = !byCode;
        (byCode ? passphrase : code).node.replaceWith((byCode ? code : passphrase).node);
        other.textContent = byCode ? S.unlock.usePassphrase : S.unlock.useCode;
    });
    submitting(form, button, note, () => onUnlock(byCode
        ? { recovery: { name: name.input.value, code: code.input.value } }
        : { passphrase: { name: name.input.value, passphrase: passphrase.input.value } }));
    show(card(S.unlock.title, message ?? S.claim, form, element("p", { class: "foot" }, S.unlock.noLink)));
    name.input.focus();
}

export function showAlarm(onTrust) {
    show(element("section", { class: "card alarm", role: "alert" },
        element("div", { class: "mark" }, icon("arch"), element("span", {}, S.name)),
        element("h1", {}, S.alarm.title), element("p", { class: "lead" }, S.alarm.text),
        element("button", { class: "quiet", onclick: onTrust }, S.alarm.again)));
}
