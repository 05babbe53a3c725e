"""The page of a running `cloister serve`, in a real Chromium, as a person uses it.

    CLOISTER_BINARY=.build/release/cloister python3 -m pytest Tests/Journeys/page
"""

import os
import re
import shutil

import pytest
from playwright.sync_api import expect

from page_fixtures import PASSPHRASE, browser, context, endless, person, server  # noqa: F401 (fixtures are found by name)
from page_server import REPOSITORY

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")

def test_first_run_from_the_printed_link(person):
    page = person.page
    code = person.create()
    assert page.url == person.server.origin + "/", "the token left the address bar"
    assert len(code) == 9 and all(re.fullmatch("[0-9A-Z]{4}", group) for group in code)
    person.confirm(third="0000")
    expect(page.get_by_role("alert")).to_have_text("That is not what stands above.")
    person.confirm()
    person.ready()


def test_two_different_passphrases_make_no_owner(person):
    page = person.page
    page.goto(person.server.link)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("Passphrase again").fill(PASSPHRASE + "x")
    page.get_by_role("button", name="Create the vault").click()
    expect(page.locator(".code")).to_have_count(0)
    assert page.get_by_label("Passphrase again").evaluate("input => input.validationMessage") == "The two passphrases are not the same."


def test_the_first_chat_is_answered_and_listed(person):
    page = person.enter()
    person.say("What is Cloister?")
    assert page.locator(".turn.assistant .body").inner_text().strip()
    expect(page.locator(".list button")).to_have_count(1)
    expect(page.get_by_label("Write a message")).to_be_focused()
    expect(page.get_by_label("Write a message")).to_have_value("")


def test_shift_enter_makes_a_line(person):
    page = person.enter()
    page.get_by_label("Write a message").fill("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(page.get_by_label("Write a message")).to_have_value("one\ntwo")
    expect(page.locator(".turn")).to_have_count(0)


def test_an_answer_can_be_stopped(endless):
    page = endless.enter()
    endless.say("Tell me a very long story about everything that you know", wait=False)
    page.get_by_role("button", name="Stop").click()
    endless.answered()
    page.reload()
    endless.ready()
    page.locator(".list button").first.click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn.assistant .ended")).to_have_text("Stopped")


def test_off_the_record_looks_different_and_ends_with_the_session(person):
    page = person.enter()
    page.get_by_role("button", name="Off the record").click()
    expect(page.locator(".chat.veiled")).to_be_visible()
    person.say("Between us")
    expect(page.locator(".note")).to_contain_text("nothing of this chat is written to disk")
    expect(page.locator(".list button")).to_have_count(1)
    page.get_by_role("button", name="Lock").click()
    person.unlock()
    person.ready()
    expect(page.locator(".list button")).to_have_count(0)


def test_keep_nothing_makes_new_chats_off_the_record(person):
    page = person.enter(keep=False)
    expect(page.locator(".chat.veiled")).to_be_visible()
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".chat.veiled")).to_be_visible()


def test_a_reload_and_a_second_tab_go_on_without_the_passphrase(person, context):
    page = person.enter()
    person.say("Hello")
    page.reload()
    person.ready()
    second = context.new_page()
    second.goto(person.server.origin)
    second.locator(".list button").first.click()
    expect(second.locator(".turn")).to_have_count(2)
    page.locator(".list button").first.click()
    expect(page.locator(".turn")).to_have_count(2)


def test_the_browser_keeps_no_readable_key_and_no_text(person):
    page = person.enter()
    person.say("a canary in the browser")
    kept = page.evaluate("""() => new Promise((resolve) => {
        const opening = indexedDB.open('cloister');
        opening.onsuccess = () => {
            const reading = opening.result.transaction('kept').objectStore('kept').getAll();
            reading.onsuccess = () => {
                const keys = reading.result.map((value) => value.key).filter((key) => key instanceof CryptoKey);
                resolve({ extractable: keys.map((key) => key.extractable), text: JSON.stringify(reading.result) });
            };
        };
    })""")
    assert kept["extractable"] == [False]
    assert "canary" not in kept["text"] and PASSPHRASE not in kept["text"]
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_lock_locks_every_tab_and_the_passphrase_unlocks(person, context):
    page = person.enter()
    person.say("Hello")
    second = context.new_page()
    second.goto(person.server.origin)
    second.get_by_label("Write a message").fill("an unsent thought")
    page.get_by_role("button", name="Lock").click()
    for one in (page, second):
        expect(one.get_by_role("heading", name="Unlock")).to_be_visible()
        assert "Hello" not in one.content()
    person.unlock("not the passphrase at all")
    expect(page.get_by_role("alert")).not_to_be_empty()
    person.unlock()
    person.ready()
    expect(page.locator(".list button")).to_have_count(1)


def test_the_recovery_code_unlocks(person):
    page = person.enter()
    page.get_by_role("button", name="Lock").click()
    page.get_by_role("button", name="Use the recovery code").click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Recovery code").fill(" ".join(person.code).lower())
    page.get_by_role("button", name="Unlock", exact=True).click()
    person.ready()


def test_a_restart_keeps_conversations_and_the_draft(person):
    page = person.enter()
    person.say("Remember the lighthouse")
    person.server.stop()
    person.server.start()
    person.say("a message that finds the door locked", wait=False)
    expect(page.get_by_role("heading", name="Unlock")).to_be_visible()
    expect(page.get_by_text("What you had typed waits in this window.")).to_be_visible()
    person.unlock()
    person.ready()
    expect(page.get_by_label("Write a message")).to_have_value("a message that finds the door locked")
    page.locator(".list button").first.click()
    expect(page.locator(".turn.user").first).to_contain_text("Remember the lighthouse")


def test_a_server_that_is_gone_is_said_and_nothing_is_lost(person):
    page = person.enter()
    person.server.stop()
    person.say("is anybody there", wait=False)
    expect(page.locator(".note")).to_contain_text("The server does not answer")
    expect(page.get_by_label("Write a message")).to_have_value("is anybody there")


def test_deleting_shows_a_receipt(person):
    page = person.enter()
    person.say("Forget me")
    page.get_by_role("button", name="What can be done here").click()
    page.get_by_role("option", name="Delete this conversation").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".list button")).to_have_count(1)
    page.get_by_role("button", name="What can be done here").click()
    page.get_by_role("option", name="Delete this conversation").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".note")).to_contain_text("records destroyed at")
    expect(page.locator(".list button")).to_have_count(0)
    expect(page.locator(".turn")).to_have_count(0)


def test_the_panel_shows_what_was_computed(person):
    page = person.enter()
    person.say("What lies on the disk?")
    page.get_by_role("button", name="Privacy panel").click()
    panel = page.locator(".panel")
    expect(panel).to_contain_text(f"127.0.0.1:{person.server.port}")
    expect(panel).to_contain_text("0 from elsewhere")
    expect(panel).to_contain_text("attempts to break out were refused")
    expect(panel).to_contain_text("It reads no request. It dials nowhere")
    assert "What lies" not in panel.inner_text()
    stored = bytes.fromhex(re.sub(r"\s", "", panel.locator("pre.hex").inner_text()))
    files = b"".join(file.read_bytes() for file in (person.server.data / "archive").iterdir())
    assert len(stored) >= 64 and stored[:32] in files, "the bytes that are shown lie on the disk"
    assert panel.locator(".evidence").count() == panel.locator(".evidence small").count(), "each line names its source"
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_another_identity_is_an_alarm_and_nothing_is_sent(person):
    page = person.enter()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/cloister/" in request.url else None)
    page.goto("about:blank")
    page.goto(person.server.origin + "/#node=" + "A" * 43)
    expect(page.get_by_role("heading", name="This is not the server you know")).to_be_visible()
    expect(page.locator("body")).to_contain_text("A" * 43)
    assert sent == []


def test_a_server_with_another_identity_gets_no_passphrase(person):
    page = person.enter()
    page.get_by_role("button", name="Lock").click()
    expect(page.get_by_role("heading", name="Unlock")).to_be_visible()
    person.server.stop()
    person.server.data = person.server.data.with_name("other")
    person.server.start()
    opened = []
    page.on("request", lambda request: opened.append(request.url) if request.url.endswith("/open") else None)
    person.unlock()
    expect(page.get_by_role("heading", name="This is not the server you know")).to_be_visible()
    assert opened == []


def test_the_page_fits_a_phone_and_the_keyboard(person):
    page = person.enter()
    person.say("Hello")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".side")).to_be_hidden()
    page.get_by_role("button", name="Conversations").press("Enter")
    expect(page.locator(".side")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".side")).to_be_hidden()
    unnamed = page.evaluate("[...document.querySelectorAll('button, input, textarea')].filter((one) => !one.closest('dialog:not([open])') && !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).length")
    assert unnamed == 0


def test_another_model_is_chosen_loaded_and_named(person):
    store = person.server.home / ".cache/llama.cpp"
    store.mkdir(parents=True)
    shutil.copy(REPOSITORY / "Sources/CGuide/guide.gguf", store / "Other.gguf")
    (store / "broken.gguf").write_bytes(b"GGUF and then nothing")
    page = person.enter()
    menu = page.get_by_label("Which model answers")
    broken = menu.locator("option", has_text="broken")
    assert "does not run" in broken.inner_text() and broken.is_disabled()
    menu.select_option(label=menu.locator("option", has_text="Other").inner_text())
    expect(page.locator(".model [role=status]")).to_be_empty()
    person.say("What is Cloister?")
    speaker = page.locator(".turn.assistant .speaker").last
    named = speaker.inner_text()
    assert "Other" in named
    page.reload()
    page.locator(".list button").first.click()
    expect(page.locator(".turn.assistant .speaker").last).to_have_text(named)
