// A DOM of a few lines: enough to see what the page builds, and that it builds nothing else.

class Node {
    constructor(name) {
        Object.assign(this, { name, childNodes: [], attributes: {}, parent: null, listeners: {}, value: "" });
    }

    append(...nodes) {
        for (const node of nodes) {
            const child = typeof node === "string" ? Object.assign(new Node("#text"), { value: node }) : node;
            child.parent = this;
            this.childNodes.push(child);
        }
    }

    remove() {
        this.parent.childNodes = this.parent.childNodes.filter((node) => node !== this);
    }

    setAttribute(key, value) {
        this.attributes[key] = String(value);
    }

    addEventListener(kind, work) {
        this.listeners[kind] = work;
    }

    get textContent() {
        return this.value + this.childNodes.map((node) => node.textContent).join("");
    }

    // As markup, for reading in a test only.
    get shape() {
        if (this.name === "#text") return this.value;
        return `<${this.name}>${this.childNodes.map((node) => node.shape).join("")}</${this.name}>`;
    }

    get all() {
        return this.childNodes.flatMap((node) => [node, ...node.all]);
    }
}

globalThis.document = { createElement: (name) => new Node(name), createElementNS: (_, name) => new Node(name) };
export const root = () => new Node("root");
