"""What an audit of a page looks at: names, contrast, stillness, smoothness, and the time of a first run."""

import os
import time

import pytest

from page_fixtures import Person, browser, context, person, server  # noqa: F401 (fixtures are found by name)

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

# Every text on the screen against what lies under it, as WCAG 2.2 §1.4.3 computes contrast; returns those that fail.
CONTRAST = """() => {
    // A canvas turns any way to write a colour into numbers.
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const parse = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const luminance = (rgb) => [0, 1, 2].map((i) => rgb[i] / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const over = (top, under) => [0, 1, 2].map((i) => top[i] * (top[3] ?? 1) + under[i] * (1 - (top[3] ?? 1)));
    const background = (node) => {
        const layers = [];
        for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
        return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
    };
    const failing = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const [text, node] = [walker.currentNode.textContent.trim(), walker.currentNode.parentElement];
        if (!text || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || node.closest(".unseen, :disabled, option")) continue;
        const style = getComputedStyle(node);
        const under = background(node);
        const [a, b] = [luminance(over(parse(style.color), under)), luminance(under)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && parseInt(style.fontWeight, 10) >= 700);
        if (ratio < (large ? 3 : 4.5)) failing.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
    }
    return failing;
}"""

# Adds text to a turn as a fast model would, 100 tokens a second for four seconds, and returns the times between frames.
STREAM = """async () => {
    const { Turn } = await import("/turn.js");
    const turn = new Turn("assistant", "A model", () => {});
    document.querySelector(".turns").append(turn.node);
    const words = "Some **bold** words, a `bit` of code, a list:\\n\\n- one\\n- two\\n\\n```swift\\nlet a = 1\\n```\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n\\n".repeat(60);
    turn.append(words); // A long answer is there already.
    const [frames, start] = [[], performance.now()];
    let [last, sent] = [start, 0];
    const frame = (now) => {
        frames.push(now - last);
        last = now;
        if (now - start < 4000) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    await new Promise((resolve) => {
        const timer = setInterval(() => {
            turn.append(words.slice((sent * 4) % 4000, ((sent * 4) % 4000) + 4));
            if (++sent >= 400) resolve(clearInterval(timer));
        }, 10);
    });
    return frames.slice(1).sort((a, b) => a - b);
}"""


def unnamed(page):
    """Controls that a screen reader would announce without a name."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "textbox", "combobox", "checkbox", "radio", "link", "dialog", "listbox", "option", "spinbutton"}
    return [node["role"]["value"] for node in nodes
            if not node.get("ignored") and node.get("role", {}).get("value") in controls and not node.get("name", {}).get("value")]


def audit(page, screen):
    assert unnamed(page) == [], screen
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], f"{screen}, {scheme}"
    page.emulate_media(color_scheme="light")


def test_every_screen_has_names_and_contrast(person):
    page = person.page
    page.goto(person.server.link)
    page.get_by_label("Your name").wait_for()
    audit(page, "create")
    person.fill()
    audit(page, "recovery")
    person.confirm()
    person.ready()
    audit(page, "new chat")
    person.say("What is Cloister?")
    audit(page, "chat")
    page.get_by_role("button", name="Privacy panel").click()
    page.locator(".evidence").first.wait_for()
    audit(page, "panel")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    audit(page, "palette")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Off the record").click()
    audit(page, "off the record")
    page.get_by_title("Yours").click()
    page.get_by_role("heading", name="What is stored about you").wait_for()
    audit(page, "yours")
    page.get_by_role("button", name="Lock").click()
    page.get_by_role("heading", name="Unlock").wait_for()
    audit(page, "unlock")
    page.locator("h1").evaluate("node => (node.style.color = '#ccc')")
    assert page.evaluate(CONTRAST), "the measurement sees what is too pale"


def test_nothing_jumps_while_a_chat_goes_on(person):
    page = person.page
    page.add_init_script("self.shifts = []; new PerformanceObserver((list) => shifts.push(...list.getEntries().filter((e) => !e.hadRecentInput).map((e) => e.value))).observe({ type: 'layout-shift', buffered: true });")
    person.enter()
    for _ in range(3):
        person.say("What is Cloister?")
    assert sum(page.evaluate("shifts")) < 0.1, page.evaluate("shifts")


def test_a_long_answer_streams_smoothly(person):
    page = person.enter()
    frames = page.evaluate(STREAM)
    # 60 frames a second are 16.7 ms each; a shared machine may drop one now and then, not regularly.
    print(f"{len(frames)} frames, median {frames[len(frames) // 2]:.1f} ms, 95 % under {frames[len(frames) * 95 // 100]:.1f} ms")
    assert frames[len(frames) // 2] < 20
    assert frames[len(frames) * 95 // 100] < 50


def test_a_first_run_takes_less_than_a_minute(tmp_path, context):
    from page_server import Server

    start = time.monotonic()
    running = Server(tmp_path / "data")
    try:
        someone = Person(context, running)
        someone.enter()
        someone.say("What is Cloister?")
        spent = time.monotonic() - start
        print(f"from the command to the first answer: {spent:.1f} s, without a person's typing")
        assert spent < 20, "a person needs the other forty seconds to choose a passphrase and to write the code down"
    finally:
        running.stop()
