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

// One of the symbols of index.html; decoration, unless it has a label.
export function icon(name, label = null) {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#i-${name}`);
    svg.setAttribute("class", "icon");
    if (label) {
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", label);
    } else svg.setAttribute("aria-hidden", "true");
    svg.append(use);
    return svg;
}

export const button = (name, label, onclick) =>
    element("button", { class: "plain", type: "button", "aria-label": label, title: label, onclick }, icon(name));

// Said to those who listen to the page. The text stays in the document until something else is said.
export const announce = (text) => (document.getElementById("live").textContent = text);

// Another screen; nothing of the one before stays behind, also not what was announced.
export function show(...nodes) {
    document.getElementById("root").replaceChildren(...nodes);
    announce("");
}

export function field(label, attributes, ...more) {
    const input = element("input", { id: `f-${attributes.name}`, autocapitalize: "none", ...attributes });
    return { input, node: element("div", { class: "field" }, element("label", { for: input.id }, label), input, ...more) };
}
