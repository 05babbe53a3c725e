// How the model is asked in a conversation, in plain words: what it should know and how freely it may choose its words.

import { element } from "./dom.js";
import { S } from "./strings.js";

const M = S.manner;
const PRESETS = [{}, { temperature: 0.2, topP: 0.9 }, { temperature: 0.7, topP: 0.95 }, { temperature: 1.1, topP: 0.98 }];
const isSame = (preset, { temperature, topP }) => preset.temperature === temperature && preset.topP === topP;

export function askManner(chat) {
    const { conversation } = chat;
    const { manner } = conversation;
    const prompt = element("textarea", { id: "manner-prompt", rows: 4, maxlength: 16_000, placeholder: M.promptExample });
    prompt.value = manner.systemPrompt;
    const number = (name, label, hint, max, value) => element("label", { class: "number" }, element("span", {}, label, element("small", {}, hint)),
        element("input", { type: "number", name, min: name === "topP" ? 0.05 : 0, max, step: 0.05, value: value ?? "", placeholder: M.usual }));
    const exact = element("details", {}, element("summary", {}, M.exact), number("temperature", M.temperature, M.temperatureHint, 2, manner.temperature), number("topP", M.topP, M.topPHint, 1, manner.topP));
    const chosen = PRESETS.findIndex((preset) => isSame(preset, manner));
    const presets = element("fieldset", { class: "choices across" }, element("legend", {}, M.freedom), ...M.presets.map(({ name, hint }, index) =>
        element("label", { class: "choice" }, element("input", { type: "radio", name: "preset", value: index, checked: index === chosen }),
            element("span", {}, element("b", {}, name), element("small", {}, hint)))));
    const form = element("form", { onsubmit: (event) => event.preventDefault() }, element("div", { class: "field" }, element("label", { for: prompt.id }, M.prompt), prompt,
        chat.models.isGuide ? element("p", { class: "hint" }, M.guide) : null), presets, exact);
    presets.addEventListener("change", ({ target }) => {
        for (const name of ["temperature", "topP"]) form.elements[name].value = PRESETS[target.value][name] ?? "";
    });
    exact.open = chosen < 0;
    chat.dialog.ask({ title: S.commands.manner, content: [form], yes: S.commands.save, no: S.commands.leave, first: prompt }, () => {
        const next = { systemPrompt: prompt.value.trim() };
        for (const name of ["temperature", "topP"]) {
            const input = form.elements[name];
            if (input.value !== "" && input.validity.valid) next[name] = Number(input.value);
        }
        return chat.guard(async () => {
            if (conversation.id) await chat.channel.ask("conversations.change", conversation.id, { manner: next });
            conversation.manner = next;
        });
    });
}
