// Builds DOM nodes. Text only ever becomes text nodes; there is no way from a string to markup here.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
        else if (value === true) node.setAttribute(key, "");
        else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

export function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#i-${name}`);
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    svg.append(use);
    return svg;
}

export const show = (...nodes) => document.getElementById("root").replaceChildren(...nodes);
export const announce = (text) => (document.getElementById("live").textContent = text);

export function field(label, attributes, hint = null) {
    const input = element("input", { id: `f-${attributes.name}`, ...attributes });
    return { input, node: element("div", { class: "field" }, element("label", { for: input.id }, label), input, hint) };
}
