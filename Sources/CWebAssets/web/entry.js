// The screens before the chat: creating the owner, the recovery code, unlocking, the alarm.

import { element, field, icon, show } from "./dom.js";
import { explain } from "./explain.js";
import { modelSelect, runs } from "./models.js";
import { strength } from "./strength.js";
import { S } from "./strings.js";

const CONFIRMED = [2, 6]; // Which groups of the recovery code are asked for.

function screen(title, lead, content, kind = "") {
    const arcade = icon("arcade");
    arcade.setAttribute("class", "arcade");
    show(element("div", { class: `entry ${kind}` }, element("div", { class: "card" },
        element("div", { class: "mark" }, icon("arch"), element("span", {}, S.name)),
        element("h1", {}, title), element("p", { class: "lead" }, lead), ...content), arcade));
}

// A form that does one thing, says that it is busy, and says in words what went wrong.
function form(label, busy, work, ...content) {
    const [submit, problem] = [element("button", { class: "primary" }, label), element("p", { class: "problem", role: "alert" })];
    const node = element("form", {}, ...content, problem, submit);
    node.addEventListener("submit", async (event) => {
        event.preventDefault();
        problem.textContent = "";
        submit.disabled = true;
        submit.textContent = busy;
        try {
            await work();
        } catch (error) {
            problem.textContent = explain(error);
        }
        submit.disabled = false;
        submit.textContent = label;
    });
    return { node, problem };
}

function secret(label, attributes, ...more) {
    const made = field(label, { type: "password", required: true, spellcheck: "false", ...attributes }, ...more);
    const eye = element("button", { type: "button", class: "reveal", "aria-pressed": "false", onclick: () => {
        const shown = made.input.type === "password";
        made.input.type = shown ? "text" : "password";
        eye.textContent = shown ? S.create.hide : S.create.show;
        eye.setAttribute("aria-pressed", String(shown));
    } }, S.create.show);
    made.input.after(eye);
    return made;
}

function meter(input) {
    const words = element("span", { id: "strength", role: "status" });
    const node = element("div", { class: "meter" }, element("i"), element("i"), element("i"), element("i"), words);
    input.setAttribute("aria-describedby", "strength");
    input.addEventListener("input", () => {
        const level = strength(input.value);
        node.dataset.level = input.value ? level : "";
        words.textContent = input.value ? S.strength[level] : "";
    });
    return node;
}

function choice(value, label, hint, checked) {
    return element("label", { class: "choice" }, element("input", { type: "radio", name: "keep", value, checked }),
        element("span", {}, element("b", {}, label), element("small", {}, hint)));
}

// `onCreate(name, passphrase, keep, model)`; the model is asked for only where there is a choice.
export function showCreate(models, onCreate) {
    const name = field(S.create.name, { name: "owner", autocomplete: "username", required: true, maxlength: 80 });
    const passphrase = secret(S.create.passphrase, { name: "passphrase", autocomplete: "new-password", minlength: 8 });
    passphrase.node.append(meter(passphrase.input));
    const again = field(S.create.again, { name: "again", type: "password", autocomplete: "new-password", required: true });
    const differ = () => again.input.setCustomValidity(again.input.value === passphrase.input.value ? "" : S.create.differ);
    for (const { input } of [passphrase, again]) input.addEventListener("input", differ);
    const keep = element("fieldset", { class: "choices" }, element("legend", {}, S.create.choice),
        choice("yes", S.create.keep, S.create.keepHint, true), choice("no", S.create.nothing, S.create.nothingHint, false));
    const running = models.filter(runs);
    const model = running.length > 1 && modelSelect(models, running[0].id, { id: "f-model" });
    const { node } = form(S.create.submit, S.create.working,
        () => onCreate(name.input.value, passphrase.input.value, node.elements.keep.value === "yes", model ? model.value : null),
        ...(model ? [element("div", { class: "field" }, element("label", { for: "f-model" }, S.create.model), model, element("small", {}, S.create.modelHint))] : []),
        name.node, passphrase.node, again.node, keep);
    screen(S.create.title, S.create.lead, [node], "create");
    name.input.focus();
}

// Goes on only when two groups were typed back: what is written down is what will be needed.
export function showRecovery(code, onConfirmed) {
    const groups = code.split("-");
    const typed = CONFIRMED.map((index, place) => field(S.recovery.group(index + 1),
        { name: ["first", "second"][place], autocomplete: "off", spellcheck: "false", required: true, maxlength: 8 }));
    const clean = (text) => text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
    const { node, problem } = form(S.recovery.submit, S.recovery.submit, async () => {
        if (CONFIRMED.every((index, place) => clean(typed[place].input.value) === groups[index])) await onConfirmed();
        else problem.textContent = S.recovery.wrong;
    }, element("p", { class: "hint" }, S.recovery.confirm(...CONFIRMED.map((index) => index + 1))),
    element("div", { class: "pair" }, ...typed.map((group) => group.node)));
    screen(S.recovery.title, S.recovery.lead, [element("ol", { class: "code" }, ...groups.map((group) => element("li", {}, group))), node]);
    typed[0].input.focus();
}

// `onUnlock(credential)`; `message` says why the person is here.
export function showUnlock(onUnlock, message = null) {
    let byCode = false;
    const name = field(S.unlock.name, { name: "owner", autocomplete: "username", required: true });
    const passphrase = secret(S.unlock.passphrase, { name: "passphrase", autocomplete: "current-password" });
    const code = field(S.unlock.code, { name: "code", autocomplete: "off", spellcheck: "false", required: true });
    const { node } = form(S.unlock.submit, S.create.working, () => onUnlock(byCode
        ? { recovery: { name: name.input.value, code: code.input.value } }
        : { passphrase: { name: name.input.value, passphrase: passphrase.input.value } }), name.node, passphrase.node);
    const other = element("button", { type: "button", class: "quiet" }, S.unlock.useCode);
    other.addEventListener("click", () => {
        byCode = !byCode;
        (byCode ? passphrase : code).node.replaceWith((byCode ? code : passphrase).node);
        other.textContent = byCode ? S.unlock.usePassphrase : S.unlock.useCode;
        (byCode ? code : passphrase).input.focus();
    });
    node.append(other);
    screen(S.unlock.title, message ?? S.claim, [node, element("p", { class: "foot" }, S.unlock.noLink)]);
    name.input.focus();
}

// Nothing was sent, and nothing will be before the person decides.
export function showAlarm({ known, presented }, onTrust) {
    const print = (label, value) => element("div", {}, element("dt", {}, label), element("dd", {}, element("code", {}, value)));
    screen(S.alarm.title, S.alarm.text, [
        element("dl", { class: "prints" }, print(S.alarm.known, known), print(S.alarm.presented, presented)),
        element("p", { role: "alert" }, S.alarm.advice), element("button", { class: "outlined", onclick: onTrust }, S.alarm.trust),
    ], "alarm");
}
