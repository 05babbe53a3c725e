"""A server, a browser, and a page that reports everything it should not do."""

import os

import gguf
import pytest
from playwright.sync_api import sync_playwright

from page_server import REPOSITORY, STORIES, Server

PASSPHRASE = "correct lantern harbour violet"
REPEATS = 12
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def model():
    """`guide` in CLOISTER_JOURNEY_MODEL: the built-in one. Otherwise a path; by default the small stories model beside the repository."""
    chosen = os.environ.get("CLOISTER_JOURNEY_MODEL", str(STORIES) if STORIES.exists() else "guide")
    return None if chosen == "guide" else chosen


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path / "data", model())
    yield running
    running.stop()


def without_end(path):
    """The guide with its layers a dozen times over, so that it is slow; with a long context; and, for its end token, the row of a byte
    that it never saw: it talks until it is stopped."""
    guide = gguf.GGUFReader(REPOSITORY / "Sources/CGuide/guide.gguf")
    writer = gguf.GGUFWriter(path, "llama")
    changed = {"llama.context_length": 16_384, "llama.block_count": 4 * REPEATS}
    for name, field in guide.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, changed.get(name, field.contents()), field.types[0], sub_type=inner)
    never = guide.fields["tokenizer.ggml.tokens"].contents().index("Ā")  # The byte 0.
    for tensor in guide.tensors:
        data = tensor.data.copy()
        if tensor.name == "token_embd.weight":
            data[0] = data[never]
        parts = tensor.name.split(".")
        for turn in range(REPEATS if parts[0] == "blk" else 1):
            name = ".".join([parts[0], str(int(parts[1]) + 4 * turn), *parts[2:]]) if parts[0] == "blk" else tensor.name
            writer.add_tensor(name, data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def endless(tmp_path, context):
    """A person with a server whose model never ends by itself."""
    running = Server(tmp_path / "data", without_end(tmp_path / "endless.gguf"))
    yield Person(context, running)
    running.stop()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def context(browser):
    """A browser profile. Every console error, CSP violation and request to elsewhere fails the journey at its end."""
    made = browser.new_context(viewport={"width": 1280, "height": 820})
    complaints, elsewhere = [], []
    made.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    made.on("request", lambda request: None if request.url.startswith("http://localhost:") else elsewhere.append(request.url))
    made.complaints = complaints
    yield made
    made.close()
    # A refused request (401 after a lock) is logged by the browser itself; it is expected and said on the page.
    real = [text for text in complaints if not ("Failed to load resource" in text and ("401" in text or "CONNECTION_REFUSED" in text))]
    assert not real, real
    assert not elsewhere, elsewhere


class Person:
    """What a person does on the page, in the page's own words."""

    def __init__(self, context, server):
        self.context, self.server = context, server
        self.page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.code = None

    def create(self, keep=True, passphrase=PASSPHRASE):
        self.page.goto(self.server.link)
        return self.fill(keep, passphrase)

    def fill(self, keep=True, passphrase=PASSPHRASE):
        page = self.page
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("Passphrase", exact=True).fill(passphrase)
        page.get_by_label("Passphrase again").fill(passphrase)
        page.get_by_label("Keep conversations, sealed" if keep else "Keep nothing").check()
        page.get_by_role("button", name="Create the vault").click()
        page.locator(".code li").first.wait_for()
        self.code = page.locator(".code li").all_inner_texts()
        return self.code

    def confirm(self, third=None, seventh=None):
        self.page.get_by_label("Group 3").fill(third or self.code[2])
        self.page.get_by_label("Group 7").fill(seventh or self.code[6])
        self.page.get_by_role("button", name="I have written it down").click()

    def enter(self, keep=True):
        self.create(keep)
        self.confirm()
        self.ready()
        return self.page

    def ready(self):
        self.page.get_by_label("Write a message").wait_for()

    def unlock(self, passphrase=PASSPHRASE):
        self.page.get_by_label("Name").fill("Ada")
        self.page.get_by_label("Passphrase", exact=True).fill(passphrase)
        self.page.get_by_role("button", name="Unlock", exact=True).click()

    def say(self, text, wait=True):
        self.page.get_by_label("Write a message").fill(text)
        self.page.keyboard.press("Enter")
        if wait:
            self.answered()

    def answered(self):
        self.page.locator(".turn.assistant[aria-busy=false]").last.wait_for()
        self.page.get_by_role("button", name="Send").wait_for()


@pytest.fixture
def person(context, server):
    return Person(context, server)
