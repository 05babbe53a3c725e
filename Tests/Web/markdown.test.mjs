// Markdown: what it shows, what it never builds, and that pieces make the same as the whole.

import assert from "node:assert/strict";
import { test } from "node:test";
import { root } from "./dom.mjs";
import { text, web } from "./web.mjs";

const { MarkdownView } = await web("markdown.js");
const { destination } = await web("inline.js");

const codeBlock = (code, language = "") => `<div><div><small>${language}</small><button>Copy</button></div><pre><code>${code}</code></pre></div>`;
const ALLOWED = new Set(["p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "em", "hr", "div", "table", "thead", "tbody", "tr", "th", "td", "button", "small", "span", "#text"]);

function rendered(pieces, ask = () => {}) {
    const node = root();
    const view = new MarkdownView(node, ask);
    let whole = "";
    for (const piece of [pieces].flat()) view.update((whole += piece));
    return node;
}
const shape = (source) => rendered(source).childNodes.map((node) => node.shape).join("");

const shown = [
    ["a paragraph\nof two lines\n\nanother", "<p>a paragraph\nof two lines</p><p>another</p>"],
    ["# One\n### Three\n###### Six\n#no", "<h2>One</h2><h4>Three</h4><h6>Six</h6><p>#no</p>"],
    ["before\n- a\n- b\n\nafter", "<p>before</p><ul><li>a</li><li>b</li></ul><p>after</p>"],
    ["1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"],
    ["- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"],
    ["> said\n> twice", "<blockquote>said\ntwice</blockquote>"],
    ["`code` **bold** *it* _it_ __bold__", "<p><code>code</code> <strong>bold</strong> <em>it</em> <em>it</em> <strong>bold</strong></p>"],
    ["**a *b* c** and *a **b** c*", "<p><strong>a <em>b</em> c</strong> and <em>a <strong>b</strong> c</em></p>"],
    ["snake_case_name 2 * 3 * 4 **", "<p>snake_case_name 2 * 3 * 4 **</p>"],
    ["``a ` b``", "<p><code>a ` b</code></p>"],
    ["```js\nlet a;\n\n# no\n```\nafter", `${codeBlock("let a;\n\n# no", "js")}<p>after</p>`],
    ["```\nopen to the end\n", codeBlock("open to the end\n")],
    ["````\n```\n````", codeBlock("```")],
    ["so \\( x^2_a \\) and $$ y $$ cost $5 and $6", "<p>so <span>x^2_a</span> and <span>y</span> cost $5 and $6</p>"],
    ["a | b\n--|--\n1 | `2`", "<div><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td><code>2</code></td></tr></tbody></table></div>"],
    ["a\n\n---\n\n***", "<p>a</p><hr></hr><hr></hr>"],
    ["[site](https://example.org/a)", "<p><button>site (https://example.org/a)</button></p>"],
    ["https://example.org is only text", "<p>https://example.org is only text</p>"],
];
for (const [source, expected] of shown) test(`shows ${JSON.stringify(source)}`, () => assert.equal(shape(source), expected));

const hostile = [
    "![x](https://evil.example/p.png)", "![x][1]\n\n[1]: https://evil.example/p.png", "<img src=x onerror=alert(1)>", "<script>alert(1)</script>",
    "<svg><image href='https://evil.example/x'/></svg>", "<math><mtext><img src=x></mtext></math>", "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=preconnect href=https://evil.example>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x]( data:text/html,<script>1</script>)", "[x](vbscript:x)",
    "[x](file:///etc/passwd)", "[x](//evil.example)", "[x](/cloister/v1/node)", "<https://evil.example>", "```\n</code></pre><img src=x>\n```", "| <img src=x> | b |\n|---|---|\n| <iframe> | x |",
    "[**<img src=x>**](https://a.example)", "`</code><script>`", "<style>@import 'https://evil.example'</style>", "&lt;img src=x&gt;", "<a href=javascript:alert(1)>x</a>",
];
for (const source of hostile) {
    test(`builds nothing that acts from ${JSON.stringify(source)}`, () => {
        for (const pieces of [[source], [...source]]) {
            for (const node of rendered(pieces).all) {
                assert.ok(ALLOWED.has(node.name), node.name);
                assert.deepEqual(Object.keys(node.attributes).filter((key) => !["class", "type", "start", "tabindex"].includes(key)), []);
                assert.deepEqual(Object.keys(node.listeners).filter((kind) => kind !== "click" || node.name !== "button"), []);
            }
        }
    });
}

test("only the web can be opened, and only by asking with the address as the browser reads it", () => {
    for (const address of ["javascript:alert(1)", "data:,x", "file:///x", "//x", "/x", "x", "ftp://x/"]) assert.equal(destination(address), null, address);
    const asked = [];
    const [link] = rendered("[bank.example](https://bank.example@xn--e1awd7f.example/?q=1)", (url) => asked.push(url)).all.filter((node) => node.name === "button");
    assert.deepEqual(asked, []);
    link.listeners.click();
    assert.equal(asked[0].host, "xn--e1awd7f.example");
    assert.match(rendered("[x](https://аррӏе.example/)").textContent, /xn--/);
});

test("characters that reorder or hide text are shown", () => {
    const source = "a\u202eb\u2066c\u200bd\u{e0041}e\ufeff";
    assert.equal(rendered(source).textContent, "a‹U+202E›b‹U+2066›c‹U+200B›d‹U+E0041›e‹U+FEFF›");
    assert.equal(rendered("می\u200cخواهم").textContent, "می\u200cخواهم");
});

test("pieces make the same as the whole, wherever they are cut", () => {
    for (const [source] of [...shown, ...hostile.map((one) => [one]), [shown.map(([one]) => one).join("\n\n")]]) {
        const whole = shape(source);
        assert.equal(shape([...source]), whole, source);
        for (let cut = 1; cut < source.length; cut += 1 + (source.length >> 6)) assert.equal(shape([source.slice(0, cut), source.slice(cut)]), whole, `${source} cut at ${cut}`);
    }
});

test("a finished block keeps its node while the text grows", () => {
    const node = root();
    const view = new MarkdownView(node, () => {});
    let whole = "one\n\ntwo\n\nthree";
    view.update(whole);
    const [first, second] = node.childNodes;
    for (const piece of [" more", "\n\n", "# four", "\n\n- a", "\n- b"]) view.update((whole += piece));
    assert.ok(node.childNodes[0] === first && node.childNodes[1] === second);
    assert.equal(node.childNodes.length, 5);
});

test("hostile length takes no hostile time", () => {
    for (const unit of ["**a ", "*a ", "[", "`", "_a", "[x](", "- ", "> ", "# ", "|-", "*_", "`` ` "]) {
        const begun = performance.now();
        rendered(unit.repeat(50_000 / unit.length));
        assert.ok(performance.now() - begun < 3000, `${unit} took ${performance.now() - begun} ms`);
    }
});

test("no file of the page can make markup or code from text", async () => {
    const names = ["app", "bytes", "channel", "chat", "composer", "dialog", "dom", "entry", "explain", "hpke", "inline", "markdown", "panel", "session", "sidebar", "strength", "strings", "transport", "turn"];
    for (const name of names) {
        assert.doesNotMatch(text(`${name}.js`), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTML|DOMParser|localStorage|sessionStorage|createContextualFragment/, name);
    }
});
