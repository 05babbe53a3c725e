"""Takes the pictures of docs/screens: CLOISTER_BINARY=… python3 Tests/Journeys/page/screens.py. Look at each before committing it."""

import pathlib
import shutil
import tempfile

from playwright.sync_api import sync_playwright

from page_fixtures import CHROMIUM, PASSPHRASE, Person
from page_server import REPOSITORY, Server

SCREENS = REPOSITORY / "docs" / "screens"
SAMPLE = """async (text) => {
    const { Turn } = await import('/turn.js');
    const turn = new Turn('assistant', 'Built-in guide', () => {});
    document.querySelector('.turns').replaceChildren(turn.node);
    turn.append(text);
}"""
MARKDOWN = """## What a message may look like

Some **bold**, some *italic*, a bit of `code`, and a [link](https://example.org/page) that shows where it goes.

1. First
2. Second
   - and what belongs to it

> Nothing here is ever HTML.

```swift
let sealed = try cell.seal(message, under: key)
```

| stored | readable on disk |
|---|---|
| the text | no |
| its size, rounded up | yes |
"""


def pictures(page, name, dark=False, phone=False):
    page.wait_for_timeout(200)
    page.screenshot(path=SCREENS / f"{name}.png")
    if dark:
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=SCREENS / f"{name}-dark.png")
        page.emulate_media(color_scheme="light")
    if phone:
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(200)
        page.screenshot(path=SCREENS / f"{name}-phone.png")
        page.set_viewport_size({"width": 1280, "height": 820})


def command(page, name):
    if not page.locator(".palette").is_visible():
        page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search, or choose").fill(name)
    page.get_by_role("option", name=name, exact=True).click()


def tour(person):
    page = person.page
    page.goto(person.server.link)
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    pictures(page, "create", phone=True)
    person.create()
    pictures(page, "recovery")
    person.confirm()
    person.ready()
    pictures(page, "new-chat")
    person.say("What is Cloister?")
    person.say("What is private here, and what is not?")
    pictures(page, "chat", dark=True, phone=True)
    page.get_by_role("button", name="Privacy panel").click()
    page.locator(".hex").first.wait_for()
    pictures(page, "panel", dark=True, phone=True)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.wait_for_timeout(200)
    pictures(page, "palette", phone=True)
    page.keyboard.type("disk")
    page.locator(".palette mark").first.wait_for()
    pictures(page, "search", dark=True)
    command(page, "How it answers")
    page.get_by_label("What it should know and keep to").fill("Answer in short sentences. I am a nurse in Austria.")
    pictures(page, "manner", phone=True)
    page.keyboard.press("Escape")
    command(page, "Tags")
    page.get_by_label("Tags, separated by commas").fill("work")
    page.get_by_role("button", name="Save").click()
    command(page, "Pin to the top")
    command(page, "Delete this conversation")
    pictures(page, "delete")
    page.keyboard.press("Escape")
    page.locator(".turn.user").first.hover()
    page.get_by_role("button", name="Edit").first.click()
    pictures(page, "edit")
    page.keyboard.press("Escape")
    page.get_by_title("Yours").click()
    page.get_by_role("heading", name="Yours").wait_for()
    pictures(page, "yours", dark=True, phone=True)
    page.locator(".sheet > section").last.scroll_into_view_if_needed()
    pictures(page, "yours-stored")
    page.get_by_role("button", name="Off the record").click()
    person.say("What does off the record mean?")
    pictures(page, "off-the-record", dark=True)
    page.evaluate(SAMPLE, MARKDOWN)
    pictures(page, "markdown")
    page.get_by_role("button", name="Lock").click()
    person.unlock("not the passphrase")
    page.locator(".problem:not(:empty)").wait_for()
    pictures(page, "unlock", dark=True)
    page.goto("about:blank")
    page.goto(person.server.origin + "/#node=" + "A" * 43)
    page.locator(".alarm").wait_for()
    pictures(page, "alarm")


if __name__ == "__main__":
    SCREENS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = pathlib.Path(folder) / "home/.cache/llama.cpp"
        store.mkdir(parents=True)
        shutil.copy(REPOSITORY / "Sources/CGuide/guide.gguf", store / "my-model.gguf")
        server = Server(pathlib.Path(folder) / "data")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            tour(Person(browser.new_context(viewport={"width": 1280, "height": 820}), server))
        finally:
            browser.close()
            server.stop()
