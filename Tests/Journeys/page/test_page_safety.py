"""What a hostile answer can do on the page, in a real Chromium: nothing.

    CLOISTER_BINARY=.build/release/cloister python3 -m pytest Tests/Journeys/page
"""

import os
import socket
import threading

import pytest
from playwright.sync_api import expect

from page_fixtures import browser, context, person, server  # noqa: F401 (fixtures are found by name)

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

FIXTURE = """async (text) => {
    const { Turn } = await import('/turn.js');
    const turn = new Turn('assistant', 'test', () => {});
    document.querySelector('.turns').replaceChildren(turn.node);
    for (const piece of text.match(/[^]{1,3}/gu)) turn.append(piece);
}"""


class Canary:
    """A listener on loopback that counts who knocks."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.knocks = self.socket.getsockname()[1], 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.knocks += 1
            connection.close()


def test_hostile_markdown_asks_for_nothing(person, context):
    page = person.enter()
    canary = Canary()
    where = f"http://127.0.0.1:{canary.port}"
    socket.create_connection(("127.0.0.1", canary.port)).close()
    page.wait_for_timeout(100)
    assert canary.knocks == 1, "the canary hears"
    hostile = "\n\n".join([
        f"![x]({where}/a.png)", f"![x][1]\n\n[1]: {where}/b.png", f"<img src={where}/c onerror=\"fetch('{where}/d')\">", f"<script src={where}/e></script>",
        f"<link rel=preconnect href={where}><meta http-equiv=refresh content=\"0;url={where}/f\">", f"<svg><image href='{where}/g'/></svg>",
        f"<style>@import '{where}/h'</style>", f"[click]({where}/i)", "[click](javascript:alert(1))", f"```\n</code></pre><img src={where}/j>\n```",
        f"| <img src={where}/k> |\n|---|\n| <iframe src={where}/l> |", "\u202egnp.a/ten.live\u202c", f"<video poster={where}/m><source src={where}/n></video>",
    ])
    page.evaluate(FIXTURE, hostile)
    body = page.locator(".turn .body")
    expect(body).to_contain_text("<script src=")
    expect(body).to_contain_text("‹U+202E›")
    assert page.evaluate("document.querySelectorAll('.turn :is(img, script, link, meta, iframe, image, video, style, a)').length") == 0
    page.wait_for_timeout(700)
    assert canary.knocks == 1 and page.url == person.server.origin + "/"


def test_a_link_shows_its_address_before_it_opens(person, context):
    page = person.enter()
    page.evaluate("""async () => {
        const { Dialog } = await import('/dialog.js');
        const { Chat } = await import('/chat.js');
        const { Turn } = await import('/turn.js');
        const view = { dialog: new Dialog() };
        document.body.append(view.dialog.node);
        const turn = new Turn('assistant', 'test', (url) => Chat.prototype.confirmLink.call(view, url));
        document.querySelector('.turns').replaceChildren(turn.node);
        turn.append('[bank.example](https://bank.example@localhost:1/x)');
    }""")
    page.locator(".link").click()
    expect(page.locator("dialog[open] .host")).to_have_text("localhost:1")
    expect(page.locator("dialog[open] .address")).to_have_text("https://bank.example@localhost:1/x")
    page.get_by_role("button", name="Stay here").click()
    assert len(context.pages) == 1


def test_nothing_runs_that_the_policy_forbids(person):
    page = person.enter()
    expected = len(person.context.complaints)
    assert page.evaluate("""() => { try { document.body.innerHTML = '<b>x</b>'; return 'written'; } catch { return 'refused'; } }""") == "refused"
    assert page.evaluate("""() => { const s = document.createElement('script'); try { s.textContent = 'window.ran = 1'; document.body.append(s); } catch {} return window.ran ?? 'no'; }""") == "no"
    assert len(person.context.complaints) > expected, "the browser reports what it refuses"
    person.context.complaints.clear()
