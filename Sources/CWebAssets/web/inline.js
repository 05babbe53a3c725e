// The inside of a Markdown block: code, bold, italic, links, formulas as text. A link is a button with its whole address, and asks before it opens.

import { element } from "./dom.js";

const MARK = /(`+)|(\*\*|__)|([*_])|(!?\[)|(\\\(|\\\[|\$\$)/g;
const FORMULA_END = { "\\(": "\\)", "\\[": "\\]", "$$": "$$" };
const NESTING = 8;
const REACH = 4_000; // A mark that does not close within so many characters is only a character; keeps the work linear.
// Characters that reorder or hide text: bidirectional controls, invisible joiners of words, tags, the BOM.
// The joiners U+200C and U+200D stay: Persian and many Indian scripts need them.
const HIDDEN = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

// Shows what would act unseen, so that an address cannot look like another one.
export const visible = (text) => text.replace(/\r\n?/g, "\n")
    .replace(HIDDEN, (character) => `‹U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);

// The address as the browser will use it (punycode for foreign letters), or null for anything that is not the web.
export function destination(address) {
    const url = URL.canParse(address) ? new URL(address) : null;
    return url && /^https?:$/.test(url.protocol) ? url : null;
}

function link(label, address, ask) {
    const url = destination(address);
    const shown = url?.href ?? address;
    const text = label && label !== address && label !== shown ? `${label} (${shown})` : shown;
    return url ? element("button", { class: "link", type: "button", onclick: () => ask(url) }, text) : text;
}

// A span that opens at `from` and closes with the same mark; the mark is not doubled and the inside does not begin or end with space.
function span(text, from, mark) {
    if (/\s/.test(text[from] ?? " ")) return -1;
    const near = text.slice(from, from + REACH);
    for (let close = near.indexOf(mark); close >= 0; close = near.indexOf(mark, close + mark.length)) {
        const [before, after] = [near[close - 1], near[close + mark.length] ?? ""];
        const doubled = mark.length === 1 && (before === mark || after === mark);
        if (close === 0 || doubled || /\s/.test(before) || (mark[0] === "_" && /\w/.test(after))) continue;
        return from + close;
    }
    return -1;
}

// Reads what begins with the mark at `match`; null if it is only a character.
function read(text, match, ask, depth) {
    const [mark, ticks, , , bracket, formula] = match;
    const from = match.index + mark.length;
    if (ticks) {
        const inside = text.slice(from, from + REACH).match(new RegExp(`^([^]*?[^\`])\`{${mark.length}}(?!\`)`));
        return inside && { node: element("code", {}, inside[1].replace(/^ (\S) $|^ (`)/, "$1$2")), end: from + inside[0].length };
    }
    if (bracket) {
        const whole = /^([^\]\n]{0,500})\]\(\s*<?([^)\s>]{0,2000})>?(?:\s+[^)\n]{0,200})?\)/.exec(text.slice(from, from + 2800));
        return whole && { node: link(whole[1], whole[2], ask), end: from + whole[0].length };
    }
    if (formula) {
        const close = text.slice(from, from + REACH).indexOf(FORMULA_END[formula]);
        return close < 1 ? null : { node: element("span", { class: "math" }, text.slice(from, from + close).trim()), end: from + close + 2 };
    }
    if (mark[0] === "_" && /\w/.test(text[match.index - 1] ?? "")) return null;
    const close = span(text, from, mark);
    if (close < 0) return null;
    const inside = inline(text.slice(from, close), ask, depth + 1);
    return { node: element(mark.length === 2 ? "strong" : "em", {}, ...inside), end: close + mark.length };
}

// A line of text as nodes and strings, to be appended; strings become text nodes.
export function inline(text, ask, depth = 0) {
    if (depth > NESTING) return [text];
    const [output, marks] = [[], new RegExp(MARK)];
    let done = 0;
    for (let match; (match = marks.exec(text)); ) {
        const found = read(text, match, ask, depth);
        if (!found) continue;
        if (match.index > done) output.push(text.slice(done, match.index));
        output.push(found.node);
        done = marks.lastIndex = found.end;
    }
    if (done < text.length) output.push(text.slice(done));
    return output;
}
