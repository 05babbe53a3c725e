"""The page in a real browser. `CLOISTER_SCREENS` names a folder for screenshots."""

import http.server
import os
import threading

import pytest

from conftest import PASSPHRASE

playwright = pytest.importorskip("playwright.sync_api")
SCREENS = os.environ.get("CLOISTER_SCREENS")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser, home):
    """A server without an owner, and a window; a console error, a policy violation or a request elsewhere fails the test."""
    home.server = home.serve()
    context = browser.new_context(viewport={"width": 1180, "height": 780})
    page = context.new_page()
    page.set_default_timeout(20_000)
    home.problems = []
    home.expected = ()
    page.on("console", lambda m: m.type in ("error", "warning") and home.problems.append(m.text))
    page.on("pageerror", lambda error: home.problems.append(str(error)))
    page.on("request", lambda r: r.url.startswith(home.url + "/") or home.problems.append("elsewhere: " + r.url))
    home.page, home.context = page, context
    yield home
    context.close()
    assert [p for p in home.problems if not any(e in p for e in home.expected)] == []


def shot(home, name):
    if SCREENS:
        home.page.screenshot(path=f"{SCREENS}/{name}.png")


def create(home, keep=True):
    page = home.page
    page.goto(home.server.link)
    page.wait_for_selector("#f-again")
    assert "#" not in page.url, "the set-up token stays in the address bar"
    page.fill("#f-owner", "Ada")
    page.fill("#f-passphrase", PASSPHRASE)
    page.fill("#f-again", PASSPHRASE)
    if not keep:
        page.check("input[value=no]")
    shot(home, "1-create")
    page.click("button.primary")
    page.wait_for_selector(".code")
    groups = page.locator(".code li").all_inner_texts()
    shot(home, "2-recovery")
    page.fill("#f-first", "AAAA")
    page.fill("#f-second", groups[6])
    page.click("button.primary")
    assert page.inner_text(".problem") == "That is not what stands above."
    page.fill("#f-first", groups[2].lower())
    page.click("button.primary")
    page.wait_for_selector(".suggestion")
    return "-".join(groups)


def ask(page, text):
    answers = page.locator(".turn.assistant").count()
    page.fill("textarea", text)
    page.keyboard.press("Enter")
    page.locator(".turn.assistant:not(.working)").nth(answers).wait_for()
    return page.locator(".turn.assistant .body").last.inner_text()


def unlock(page, passphrase=PASSPHRASE):
    page.wait_for_selector("#f-passphrase")
    page.fill("#f-owner", "Ada")
    page.fill("#f-passphrase", passphrase)
    page.click("button.primary")


def test_first_run_chat_lock_unlock_restart_delete(visitor):
    page = visitor.page
    create(visitor)
    shot(visitor, "3-empty")
    assert "built-in guide" in page.inner_text(".model")
    first = ask(page, "What is Cloister?")
    assert "private AI" in first
    shot(visitor, "4-answer")
    page.click("[aria-label='Privacy panel']")
    page.wait_for_selector(".hex")
    panel = page.inner_text(".panel")
    assert f"127.0.0.1:{visitor.port}" in panel and "0 from elsewhere" in panel and "not enforced yet" in panel
    shot(visitor, "5-panel")
    page.click("[aria-label='Privacy panel']")

    page.reload()
    page.click(".list button >> nth=0")
    page.wait_for_selector(".turn.assistant")
    assert page.locator(".turn.assistant .body").inner_text() == first, "a reload asks for the passphrase or loses the chat"
    tab = visitor.context.new_page()
    tab.goto(visitor.url)
    tab.wait_for_selector(".list button")
    tab.close()

    visitor.expected = ("401", "403")
    page.click("[aria-label='Lock']")
    unlock(page, "wrong wrong wrong")
    page.locator(".problem", has_text="do not belong together").wait_for()
    shot(visitor, "6-unlock")
    page.fill("#f-passphrase", PASSPHRASE)
    page.click("button.primary")
    page.wait_for_selector(".list button")

    page.fill("textarea", "a draft that must not be lost")
    visitor.stop(visitor.server)
    visitor.server = visitor.serve()
    page.keyboard.press("Enter")
    unlock(page)
    page.wait_for_selector(".list button")
    assert page.input_value("textarea") == "a draft that must not be lost"
    page.click(".list button >> nth=0")
    page.wait_for_selector(".turn.assistant")
    assert page.locator(".turn.assistant .body").inner_text() == first

    page.click("[aria-label='Delete']")
    page.click("dialog .primary")
    page.locator(".note", has_text="destroyed").wait_for()
    assert page.locator(".list button").count() == 0


def test_the_recovery_code_unlocks(visitor):
    page, code = visitor.page, create(visitor)
    page.click("[aria-label='Lock']")
    page.click("text=Use the recovery code")
    page.fill("#f-owner", "ada")
    page.fill("#f-code", code.lower().replace("-", " "))
    page.click("button.primary")
    page.wait_for_selector(".suggestion")


def test_off_the_record_and_keep_nothing_write_nothing(visitor):
    import sqlite3
    page = visitor.page
    create(visitor, keep=False)
    assert page.locator(".chat.veiled").count() == 1
    ask(page, "What is Cloister?")
    shot(visitor, "7-off-the-record")
    with sqlite3.connect(f"file:{visitor.data}/archive.sqlite?mode=ro", uri=True) as database:
        assert database.execute("select count(*) from conversation").fetchone()[0] == 0
    assert page.locator(".list button").count() == 1


def test_stop_keeps_what_was_said(visitor):
    page = visitor.page
    create(visitor)
    # Answers of the guide are short; the engine is held up by a long prompt first.
    page.fill("textarea", "word " * 300)
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-label='Stop']")
    page.click(".send")
    page.wait_for_selector("[aria-label='Send']")
    assert page.locator(".turn.user").count() == 1


def test_a_changed_node_is_an_alarm(visitor):
    page = visitor.page
    create(visitor)
    page.click("[aria-label='Lock']")
    page.wait_for_selector("#f-owner")
    visitor.stop(visitor.server)
    (visitor.data / "node.key").write_bytes(os.urandom(32))
    visitor.server = visitor.serve()
    unlock(page)
    page.wait_for_selector(".alarm")
    shot(visitor, "8-alarm")


HOSTILE = """![x](http://127.0.0.1:{port}/img) <img src=http://127.0.0.1:{port}/raw onerror=alert(1)> <script>alert(1)</script>
[a][b] [click](javascript:alert(1)) [safe](http://127.0.0.1:{port}/link) <svg onload=alert(1)> \u202eevil

[b]: http://127.0.0.1:{port}/ref

| a | b |
|---|---|
| ![t](http://127.0.0.1:{port}/cell) | `code` |

```html
<img src=http://127.0.0.1:{port}/fence>
```` still code
"""


def test_hostile_markdown_makes_no_request_and_runs_nothing(visitor):
    """R20, however the stream is cut."""
    page, asked = visitor.page, []

    class Canary(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.HTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    page.goto(visitor.url)
    page.wait_for_selector("#f-owner")
    text = HOSTILE.replace("{port}", str(listener.server_port))
    html = page.evaluate("""async (text) => {
        const { MarkdownView } = await import('/markdown.js');
        let html;
        for (const size of [1, 3, 17, 10000]) {
            const node = document.createElement('div');
            document.body.append(node);
            const view = new MarkdownView(node, () => {});
            for (let end = size; end < text.length + size; end += size) view.update(text.slice(0, end));
            html = node.innerHTML;
        }
        return html;
    }""", text)
    page.wait_for_timeout(500)
    assert asked == [] and "<img" not in html and "<script" not in html and "<svg" not in html and "href" not in html
    assert "‹U+202E›evil" in html and "/link)" in html and "<table>" in html
    page.evaluate(f"fetch('/health').then(() => new Image().src = 'http://127.0.0.1:{listener.server_port}/control')")
    page.wait_for_timeout(300)
    assert asked == [], "the policy lets an image out"
    import urllib.request
    urllib.request.urlopen(f"http://127.0.0.1:{listener.server_port}/control")
    assert asked == ["/control"], "the positive control: the listener hears"
    visitor.expected = ("Content Security Policy", "elsewhere")
    listener.shutdown()


def test_dark_and_phone(visitor):
    page = visitor.page
    create(visitor)
    ask(page, "What is private?")
    page.emulate_media(color_scheme="dark")
    shot(visitor, "9-dark")
    page.set_viewport_size({"width": 390, "height": 780})
    shot(visitor, "10-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways on a phone"
