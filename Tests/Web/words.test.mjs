// What the page says: nothing it may not claim, everything in one file; and the meter that judges a passphrase.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { page, text, web } from "./web.mjs";

const { S } = await web("strings.js");
const { strength } = await web("strength.js");
const files = readdirSync(page("")).filter((name) => /\.(js|html|css|svg)$/.test(name));

test("no claim is made that may not be made", () => {
    for (const name of files) assert.doesNotMatch(text(name), /military.grade|hipaa.compliant|end.to.end|unhackable|100\s?% (secure|private)/i, name);
});

test("no emoji stands in for an icon", () => {
    for (const name of files) assert.doesNotMatch(text(name), /\p{Emoji_Presentation}|\ufe0f/u, name);
});

test("nothing is loaded from elsewhere and nothing is inline", () => {
    const html = text("index.html");
    assert.doesNotMatch(html, /https?:|style=|<style|onclick|javascript:/);
    assert.equal(html.match(/<script/g).length, html.match(/<script type="module" src="\/[a-z]+\.js"><\/script>/g).length);
    assert.doesNotMatch(text("style.css"), /url\(|@import/);
});

// Every `S.a.b` in the code is there, and every string is used.
test("strings and code agree", () => {
    const spelt = (source) => [...source.matchAll(/^const (\w) = (S\.\w+);$/gm)].reduce((whole, [line, short, long]) => whole.replace(line, "").replace(new RegExp(`\\b${short}\\.(\\w)`, "g"), `${long}.$1`), source);
    const code = files.filter((name) => name.endsWith(".js") && name !== "strings.js").map((name) => spelt(text(name))).join("\n");
    for (const [whole, ...path] of code.matchAll(/\bS((?:\.\w+)+)/g)) {
        let value = S;
        for (const key of path[0].slice(1).split(".")) value = typeof value === "object" ? value[key] : null;
        assert.notEqual(value, undefined, whole);
    }
    const names = (value, path) => (typeof value === "object" && !Array.isArray(value) ? Object.entries(value).flatMap(([key, inner]) => names(inner, `${path}.${key}`)) : [path]);
    const unused = names(S, "S").filter((path) => !new RegExp(`${path.replaceAll(".", "\\.")}\\b`).test(code));
    assert.deepEqual(unused, []);
});

test("every icon that is used is drawn", () => {
    const drawn = new Set([...text("index.html").matchAll(/id="i-(\w+)"/g)].map(([, name]) => name));
    for (const name of files.filter((one) => one.endsWith(".js"))) {
        for (const [, used] of text(name).matchAll(/\b(?:icon|button)\("(\w+)"/g)) assert.ok(drawn.has(used), used);
    }
});

test("every file of the page is embedded", async () => {
    const { readFileSync } = await import("node:fs");
    const table = readFileSync(new URL("../assets.c", page("")), "utf8");
    for (const name of files) assert.ok(table.includes(`#embed "web/${name}"`), name);
});

const judged = [["short", 0], ["aaaaaaaaaaaaaaaa", 1], ["12345678901234", 1], ["qwertyuiop", 1], ["password", 1], ["aaa aaa aaa aaa", 1],
    ["correct lantern harbour violet", 3], ["correct lantern harbour violet seven marbles", 4], ["kX9#mQ2$vL7!pR4%wZ8&", 4]];
for (const [passphrase, level] of judged) test(`"${passphrase}" is judged ${level}`, () => assert.equal(strength(passphrase), level));
