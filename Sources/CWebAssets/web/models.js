// Which model answers: a label while there is only one, a choice when there are more. A model that is not in memory yet is loaded in
// the background, and the guide answers first questions meanwhile.

import { element } from "./dom.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";

const PATIENCE = 1_500; // Milliseconds that a first question waits for its model.
const size = (bytes) => (bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`);
export const runs = (model) => model.obstacles.length === 0;

export function labelOf(model) {
    if (!runs(model)) return S.models.doesNotRun(visible(model.name));
    if (model.guide) return S.chat.guide;
    return S.models.label(visible(model.name), model.quantisation, size(model.bytes), model.fits);
}

// A `<select>` of models; those that do not run say why and cannot be chosen.
export function modelSelect(models, chosen, attributes) {
    const select = element("select", attributes, ...models.map((model) =>
        element("option", { value: model.id, disabled: !runs(model), title: model.obstacles.join("; ") || null }, labelOf(model))));
    select.value = chosen;
    return select;
}

export class ModelMenu {
    // `load(model, progress)` brings it into memory and is over when it answers; `onChange(id)` is called when another was chosen.
    constructor({ load, onChange }) {
        this.state = element("span", { role: "status" }); // How far a model is that is being loaded.
        this.node = element("div", { class: "model" }, this.state);
        Object.assign(this, { load, onChange });
        this.models = [];
        this.loading = null; // Over when the chosen model is in memory.
        this.chosen = null; // The id of the model that answers.
    }

    // `preferred`: what the person chose before.
    show(models, preferred = this.chosen) {
        this.models = models;
        const running = models.filter(runs);
        this.chosen = running.find(({ id }) => id === preferred)?.id ?? running[0]?.id ?? null;
        if (running.length < 2) this.node.replaceChildren(this.state, running[0] ? labelOf(running[0]) : S.models.none);
        else {
            const select = modelSelect(models, this.chosen, { "aria-label": S.models.choose, onchange: () => this.choose(select.value) });
            this.node.replaceChildren(this.state, select);
        }
        this.prepare();
    }

    // What is in memory has changed.
    update(models) {
        this.models = models;
    }

    choose(id) {
        this.chosen = id;
        this.onChange(id);
        this.prepare();
    }

    async prepare() {
        const model = this.find(this.chosen);
        if (!model || model.loaded) return;
        this.state.textContent = S.models.loading(0);
        this.loading = this.load(model, (done, total) => (this.state.textContent = S.models.loading(Math.floor((done * 100) / total))));
        await this.loading;
        this.state.textContent = "";
    }

    // The model for the next answer; the guide for a first question while the chosen one takes long to be there.
    async answering(isFirst) {
        await Promise.race([this.loading, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
        const guide = this.models.find(({ guide }) => guide);
        return isFirst && guide && !this.find(this.chosen)?.loaded ? guide.id : this.chosen;
    }

    find(id) {
        return this.models.find((model) => model.id === id);
    }

    get isGuide() {
        return this.find(this.chosen)?.guide ?? false;
    }

    nameOf(id) {
        return visible(this.find(id)?.name ?? S.models.none);
    }

    speakerOf(id) {
        return this.find(id)?.guide ? S.chat.guideName : this.nameOf(id);
    }

    // What the model of a turn is called; a turn of before may name one that is gone.
    speaker(name) {
        if (!name) return this.speakerOf(this.chosen);
        return this.models.find((model) => model.name === name)?.guide ? S.chat.guideName : visible(name);
    }
}
