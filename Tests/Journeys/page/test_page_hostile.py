"""Hostile Markdown in a real browser: it makes no request, runs nothing, and stays readable. A listener on loopback is the canary."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from page_fixtures import browser, context, person, server  # noqa: F401 (fixtures are found by name)

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

# CANARY stands for the listener; each text must still show its mark.
CORPUS = [
    "mark ![x](CANARY/1)", "mark ![x][r]\n\n[r]: CANARY/2", "mark <img src=CANARY/3>", "mark <IMG SRC=CANARY/4 ONERROR=alert(1)>",
    "mark <script>alert(1)</script>", "mark <script src=CANARY/5></script>", "mark <svg onload=alert(1)><image href=CANARY/6 /></svg>",
    "mark <math><mtext><img src=CANARY/7></mtext></math>", "mark <iframe src=CANARY/8></iframe>", "mark <iframe srcdoc='<script>alert(1)</script>'>",
    "mark [x](javascript:alert(1))", "mark [x](JAVA&#83;CRIPT:alert(1))", "mark [x](data:text/html,<script>alert(1)</script>)", "mark <a href='CANARY/9' autofocus onfocus=alert(1)>x</a>",
    "mark [CANARY/10](CANARY/11)", "mark <link rel=stylesheet href=CANARY/12>", "mark <link rel=prefetch href=CANARY/13>", "mark <style>@import 'CANARY/14'; body{background:url(CANARY/15)}</style>",
    "mark <base href=CANARY/16/>", "mark <meta http-equiv=refresh content='0;url=CANARY/17'>", "mark <form action=CANARY/18><input type=submit autofocus></form>",
    "mark <object data=CANARY/19></object><embed src=CANARY/20>", "mark <video src=CANARY/21 autoplay poster=CANARY/22></video>", "mark <audio src=CANARY/23 autoplay>",
    "```\nmark\n```</code></pre><img src=CANARY/24>", "```html\n<img src=CANARY/25> mark", "~~~\n``` mark\n<img src=CANARY/26>\n~~~", "`mark </code><img src=CANARY/27>`",
    "| mark | ![x](CANARY/28) |\n|---|---|\n| <img src=CANARY/29> | b |", "> mark\n> ![x](CANARY/30)", "- mark\n  - ![x](CANARY/31)", "# mark ![x](CANARY/32)",
    "mark \u202egnp.exe\u202c \u2066x\u2069", "mark &lt;img src=CANARY/33&gt; &#60;img src=CANARY/34&#62;", "mark \\<img src=CANARY/35\\>", "mark $$<img src=CANARY/36>$$ \\(<img src=CANARY/37>\\)",
    "[mark](CANARY/38 \"title\" onmouseover=alert(1))", "mark <CANARY/39>", "mark CANARY/40", "mark <!--[if IE]><img src=CANARY/41><![endif]-->", "mark <template><img src=CANARY/42></template>",
    "mark <noscript><p title='</noscript><img src=CANARY/43 onerror=alert(1)>'>", "mark <details open ontoggle=alert(1)>", "mark <input onfocus=alert(1) autofocus>", "mark ![](CANARY/44 =1x1)",
    "[![mark](CANARY/45)](CANARY/46)", "mark\n[ref]: CANARY/47 'x'\n[ref]", "mark <x onclick=alert(1)>", "mark %3Cimg src=CANARY/48%3E", "mark <img\nsrc\n=\nCANARY/49\n>", "mark <a ping=CANARY/50 href=#>x</a>",
]

# Each text arrives whole, and in two pieces cut at every third place.
FEED = """async (corpus) => {
    const { Turn } = await import("/turn.js");
    const place = document.querySelector(".turns");
    const unreadable = [];
    for (const text of corpus) {
        for (let cut = 0; cut < text.length; cut += 3) {
            const turn = new Turn("assistant", "A model", () => {});
            place.append(turn.node);
            turn.append(text.slice(0, cut)).append(text.slice(cut));
            if (!turn.body.innerText.includes("mark")) unreadable.push(`${cut}: ${text}`);
            if (turn.body.querySelector("img, script, iframe, svg, math, object, embed, video, audio, link, style, form, a, input, base, meta, template, details")) unreadable.push(`acts: ${text}`);
            if (cut + 3 < text.length) turn.node.remove();
        }
    }
    return unreadable;
}"""


class Canary(BaseHTTPRequestHandler):
    heard = []

    def do_GET(self):
        Canary.heard.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def canary():
    Canary.heard = []
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}"
    listener.shutdown()


def test_hostile_markdown_does_nothing_and_stays_readable(person, canary, browser):
    page = person.enter()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    corpus = [text.replace("CANARY", canary) for text in CORPUS]
    assert page.evaluate(FEED, corpus) == []
    page.mouse.move(600, 400)
    page.wait_for_timeout(1_000)
    assert dialogs == [] and Canary.heard == []
    assert page.url == person.server.origin + "/"
    # The same texts as HTML are heard: the canary sings where something is loaded.
    control = browser.new_page()
    control.set_content("\n".join(corpus), wait_until="commit")
    control.wait_for_timeout(1_000)
    assert len(Canary.heard) > 5, Canary.heard


def test_a_link_shows_its_whole_address_before_it_opens(person, canary):
    page = person.enter()
    page.evaluate("""async (text) => {
        const { Turn } = await import("/turn.js");
        const { Chat } = await import("/chat.js");
        const turn = new Turn("assistant", "A model", (url) => Chat.prototype.confirmLink.call({ dialog: self.asked }, url));
        self.asked = { ask: ({ content }) => (self.shown = content.map((node) => node.textContent)) };
        document.querySelector(".turns").append(turn.node);
        turn.append(text);
    }""", f"[a bank]({canary}/\u0440ay?next=evil)")
    page.locator(".turn .link").click()
    assert page.evaluate("shown")[2] == f"{canary}/%D1%80ay?next=evil"
    assert Canary.heard == []
