// A small Markdown, to DOM nodes and nothing else: no HTML, no images. This file cuts a text into blocks; inline.js does what is inside one.

import { element } from "./dom.js";
import { inline, visible } from "./inline.js";
import { S } from "./strings.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^\s*> ?/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

const kindOf = (line) => (RULE.test(line) ? "rule" : HEADING.test(line) ? "heading" : ITEM.test(line) ? "list" : QUOTE.test(line) ? "quote" : "text");
const closes = (line, fence) => line.trim().startsWith(fence) && /^(`+|~+)$/.test(line.trim());

// Cuts a text into blocks of lines, each with its kind and the offset where it begins. A fence that is open runs to the end.
export function blocks(text) {
    const found = [];
    let [current, fence, offset] = [null, null, 0];
    const begin = (kind, line) => found.push((current = { kind, start: offset, lines: [line] }));
    for (const line of text.split("\n")) {
        const mark = !fence && line.match(FENCE);
        const kind = kindOf(line);
        if (fence) {
            current.lines.push(line);
            if (closes(line, fence)) [fence, current] = [null, null];
        } else if (mark && !(mark[1][0] === "`" && mark[2].includes("`"))) {
            begin("code", line);
            fence = mark[1];
        } else if (line.trim() === "") current = null;
        else if (kind === "rule" || kind === "heading") {
            begin(kind, line);
            current = null;
        } else if (!current || (kind !== "text" && kind !== current.kind)) begin(kind, line);
        else current.lines.push(line);
        offset += line.length + 1;
    }
    return found;
}

function codeBlock(lines) {
    const fence = lines[0].match(FENCE)[1];
    const closed = lines.length > 1 && closes(lines.at(-1), fence);
    const code = lines.slice(1, closed ? -1 : undefined).join("\n");
    const copy = element("button", { class: "copy", type: "button", onclick: () => navigator.clipboard.writeText(code) }, S.turn.copy);
    return element("div", { class: "code-block" }, element("div", {}, element("small", {}, lines[0].match(FENCE)[2].trim().slice(0, 40)), copy),
        element("pre", { tabindex: 0 }, element("code", {}, code)));
}

function table(lines, ask) {
    const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
    const row = (line, name) => element("tr", {}, ...cells(line).map((cell) => element(name, {}, ...inline(cell, ask))));
    return element("div", { class: "table", tabindex: 0 }, element("table", {},
        element("thead", {}, row(lines[0], "th")),
        element("tbody", {}, ...lines.slice(2).map((line) => row(line, "td")))));
}

// Nesting follows the indentation: an item that is further in belongs to the one above it.
function list(lines, ask) {
    const levels = [];
    for (const line of lines) {
        const match = line.match(ITEM);
        if (!match) {
            levels.at(-1).last.append("\n", ...inline(line.trim(), ask));
            continue;
        }
        const depth = match[1].replaceAll("\t", "    ").length;
        while (levels.length > 1 && depth < levels.at(-1).depth) levels.pop();
        const item = element("li", {}, ...inline(match[3], ask));
        if (levels.length === 0 || depth > levels.at(-1).depth + 1) {
            const ordered = /\d/.test(match[2]);
            const node = element(ordered ? "ol" : "ul", { start: ordered ? parseInt(match[2], 10) : null });
            levels.at(-1)?.last.append(node);
            levels.push({ depth, node });
        }
        levels.at(-1).node.append(item);
        levels.at(-1).last = item;
    }
    return levels[0].node;
}

function render({ kind, lines }, ask) {
    if (kind === "code") return codeBlock(lines);
    if (kind === "rule") return element("hr");
    if (kind === "list") return list(lines, ask);
    if (kind === "quote") return element("blockquote", {}, ...inline(lines.map((line) => line.replace(QUOTE, "")).join("\n"), ask));
    if (kind === "heading") {
        const [, marks, text] = lines[0].match(HEADING);
        return element(`h${Math.min(marks.length + 1, 6)}`, {}, ...inline(text, ask));
    }
    if (lines.length > 1 && lines[0].includes("|") && DIVIDER.test(lines[1])) return table(lines, ask);
    return element("p", {}, ...inline(lines.join("\n").trim(), ask));
}

// Renders a text that only grows. What was read stays read: only the last two blocks can still change (a line that grows may turn
// out to belong to the one before), and of these only what did change is made again.
export class MarkdownView {
    // `ask(url)` is called when a link is pressed.
    constructor(node, ask) {
        this.node = node;
        this.ask = ask;
        this.read = 0; // Characters of the whole that were taken in.
        this.text = ""; // What of them can still change: from the first open block on.
        this.open = [];
    }

    // `whole` is everything so far; only what is new of it is read.
    update(whole) {
        this.text += visible(whole.slice(this.read));
        this.read = whole.length;
        const next = blocks(this.text).map((block) => ({ ...block, source: block.lines.join("\n") }));
        const same = next.findIndex((block, index) => block.source !== this.open[index]?.source || block.kind !== this.open[index].kind);
        if (same < 0) return;
        for (const { node } of this.open.slice(same)) node.remove();
        next.forEach((block, index) => (block.node = index < same ? this.open[index].node : render(block, this.ask)));
        this.node.append(...next.slice(same).map((block) => block.node));
        const settled = next.at(-2)?.start ?? 0;
        this.open = next.slice(-2).map((block) => ({ ...block, start: block.start - settled }));
        this.text = this.text.slice(settled);
    }
}
