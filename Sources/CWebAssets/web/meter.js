// How much of its context the model has used, and what it no longer sees.

import { element } from "./dom.js";
import { S } from "./strings.js";

export class ContextMeter {
    constructor() {
        this.bar = element("meter", { min: 0, max: 1, "aria-label": S.meter.label });
        this.text = element("span");
        this.node = element("div", { class: "context", title: S.meter.title }, this.bar, this.text);
        this.clear();
    }

    clear() {
        this.node.hidden = true;
    }

    show(tokens, context, dropped) {
        Object.assign(this, { tokens, context, dropped });
        this.node.hidden = false;
        this.bar.value = tokens / context;
        this.text.textContent = S.meter.used(tokens, context) + (dropped ? ` ${S.chat.dropped(dropped)}` : "");
    }

    add(tokens) {
        this.show(this.tokens + tokens, this.context, this.dropped);
    }
}
