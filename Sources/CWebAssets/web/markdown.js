// A small Markdown, to DOM nodes and nothing else: no HTML, no images, no automatic links. A link shows its whole address and asks first.

import { element } from "./dom.js";

const INLINE = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*([^*]+)\*\*|(?<!\w)[*_]([^*_\n]+)[*_](?!\w)|(!?)\[([^\]\n]*)\]\(([^)\s]*)[^)\n]*\)/g;
// Characters that reorder text without being seen could make an address look like another.
const HIDDEN = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;

const visible = (text) => text.replace(HIDDEN, (character) => `‹U+${character.codePointAt(0).toString(16).toUpperCase()}›`);

function link(label, address, ask) {
    const text = label && label !== address ? `${label} (${address})` : address;
    if (!/^https?:\/\//i.test(address)) return document.createTextNode(text);
    return element("button", { class: "link", type: "button", onclick: () => ask(address) }, text);
}

function inline(text, ask) {
    const nodes = [];
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
        if (match.index > end) nodes.push(text.slice(end, match.index));
        end = match.index + match[0].length;
        if (match[2] !== undefined) nodes.push(element("code", {}, match[2]));
        else if (match[3] !== undefined) nodes.push(element("strong", {}, match[3]));
        else if (match[4] !== undefined) nodes.push(element("em", {}, match[4]));
        else nodes.push(link(match[6], match[7], ask));
    }
    if (end < text.length) nodes.push(text.slice(end));
    return nodes;
}

function table(lines, ask) {
    const cells = (line) => line.replace(/^\s*\|?|\|?\s*$/g, "").split("|").map((cell) => cell.trim());
    const row = (line, kind) => element("tr", {}, ...cells(line).map((cell) => element(kind, {}, ...inline(cell, ask))));
    return element("div", { class: "table" }, element("table", {},
        element("thead", {}, row(lines[0], "th")),
        element("tbody", {}, ...lines.slice(2).map((line) => row(line, "td")))));
}

function block(lines, ask) {
    const first = lines[0];
    const fence = first.match(/^\s*(```+|~~~+)/);
    if (fence) {
        const closed = lines.length > 1 && lines.at(-1).trim() === fence[1];
        return element("pre", {}, element("code", {}, lines.slice(1, closed ? -1 : undefined).join("\n")));
    }
    const heading = first.match(/^(#{1,4})\s+(.*)/);
    if (heading) return element(`h${Math.min(heading[1].length + 2, 6)}`, {}, ...inline(heading[2], ask));
    if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(first)) return element("hr");
    if (lines.length > 1 && /^[\s|:-]+$/.test(lines[1]) && lines[1].includes("-") && first.includes("|")) return table(lines, ask);
    if (/^\s*>/.test(first)) return element("blockquote", {}, ...inline(lines.map((line) => line.replace(/^\s*>\s?/, "")).join("\n"), ask));
    const list = first.match(/^\s*([-*+]|\d+[.)])\s+/);
    if (list) {
        const items = [];
        for (const line of lines) {
            if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) items.push(line.replace(/^\s*([-*+]|\d+[.)])\s+/, ""));
            else items[items.length - 1] += `\n${line.trim()}`;
        }
        return element(/\d/.test(list[1]) ? "ol" : "ul", {}, ...items.map((item) => element("li", {}, ...inline(item, ask))));
    }
    return element("p", {}, ...inline(lines.join("\n"), ask));
}

// Cuts a text into blocks of lines; an open fence runs to the end.
export function blocks(text) {
    const found = [];
    let [lines, fence] = [[], null];
    const flush = () => {
        if (lines.length) found.push(lines);
        lines = [];
    };
    for (const line of text.split(/\r?\n/)) {
        const mark = line.match(/^\s*(```+|~~~+)/);
        if (fence) {
            lines.push(line);
            if (line.trim() === fence) [fence] = [null, flush()];
        } else if (mark) {
            flush();
            lines.push(line);
            fence = mark[1];
        } else if (line.trim() === "") flush();
        else if (/^#{1,4}\s/.test(line)) {
            flush();
            found.push([line]);
        } else lines.push(line);
    }
    flush();
    return found;
}

// Renders a text that grows: blocks that did not change keep their nodes.
export class MarkdownView {
    constructor(node, ask) {
        this.node = node;
        this.ask = ask;
        this.sources = [];
    }

    update(text) {
        const next = blocks(visible(text));
        next.forEach((lines, index) => {
            const source = lines.join("\n");
            if (this.sources[index] === source) return;
            const made = block(lines, this.ask);
            const old = this.node.children[index];
            if (old) old.replaceWith(made);
            else this.node.append(made);
            this.sources[index] = source;
        });
    }
}
