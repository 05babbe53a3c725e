// Which model answers: a label while there is only one, a choice when there are more.

import { element } from "./dom.js";
import { visible } from "./inline.js";
import { S } from "./strings.js";

const size = (bytes) => (bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`);

export class ModelMenu {
    // `onChange()` is called when another model was chosen.
    constructor(onChange) {
        this.node = element("div", { class: "model" });
        this.onChange = onChange;
        this.models = [];
        this.chosen = null; // The id of the model that answers.
    }

    show(models) {
        this.models = models;
        const running = models.filter((model) => model.obstacles.length === 0);
        this.chosen = running.some(({ id }) => id === this.chosen) ? this.chosen : running[0]?.id ?? null;
        if (running.length < 2) return this.node.replaceChildren(running[0] ? this.label(running[0]) : S.models.none);
        const select = element("select", { "aria-label": S.models.choose, onchange: () => this.choose(select.value) },
            ...models.map((model) => this.option(model)));
        select.value = this.chosen;
        this.node.replaceChildren(select);
    }

    choose(id) {
        this.chosen = id;
        this.onChange();
    }

    get isGuide() {
        return this.models.find(({ id }) => id === this.chosen)?.guide ?? false;
    }

    // What the model of a turn is called; a turn of before may name one that is gone.
    speaker(name) {
        const model = this.models.find((model) => (name ? model.name === name : model.id === this.chosen));
        return model?.guide ? S.chat.guideName : visible(name ?? model?.name ?? S.models.none);
    }

    option(model) {
        const [obstacle] = model.obstacles;
        const text = obstacle ? S.models.doesNotRun(visible(model.name)) : this.label(model);
        return element("option", { value: model.id, disabled: Boolean(obstacle), title: model.obstacles.join("; ") || null }, text);
    }

    label(model) {
        if (model.guide) return S.chat.guide;
        return S.models.label(visible(model.name), model.quantisation, size(model.bytes), model.fits);
    }
}
