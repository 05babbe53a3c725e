"""What a person does with a conversation: edits, asks again, goes on, finds, files, exports."""

import json
import os
import re
import shutil

import pytest
from playwright.sync_api import expect

from page_fixtures import browser, context, endless, person, server  # noqa: F401 (fixtures are found by name)
from page_server import REPOSITORY

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


def command(page, name):
    """Does something by the palette, as from the keyboard."""
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search, or choose").fill(name)
    page.get_by_role("option", name=name, exact=True).first.wait_for()
    page.keyboard.press("Enter")


def test_a_message_is_edited_and_what_followed_it_goes(person):
    page = person.enter()
    person.say("What is Cloister?")
    person.say("What is a token?")
    first = page.locator(".turn.user").first
    first.hover()
    first.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Edit").fill("What is encryption?")
    page.keyboard.press("Enter")
    person.answered()
    expect(page.locator(".turn")).to_have_count(2)
    page.reload()
    page.locator(".list button").first.click()
    expect(page.locator(".turn.user .body")).to_have_text("What is encryption?")
    expect(page.locator(".turn")).to_have_count(2)


def test_an_answer_is_made_again(person):
    page = person.enter()
    person.say("What is Cloister?")
    before = page.locator(".turn.assistant .body").inner_text()
    page.get_by_role("button", name="Answer again").click()
    page.get_by_role("button", name="Send").wait_for()
    expect(page.locator(".turn")).to_have_count(2)
    person.answered()
    assert before and page.locator(".turn.assistant .body").inner_text()


def test_a_stopped_answer_goes_on(endless):
    page = endless.enter()
    endless.say("Tell me everything", wait=False)
    body = page.locator(".turn.assistant .body")
    expect(body).to_have_text(re.compile(".{20,}"))
    page.get_by_role("button", name="Stop").click()
    endless.answered()
    before = body.inner_text()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function("count => document.querySelector('.turn.assistant .body').innerText.length > count + 20", arg=len(before))
    page.get_by_role("button", name="Stop").click()
    endless.answered()
    assert body.inner_text().startswith(before[:40])
    expect(page.locator(".turn")).to_have_count(2)


def test_copying_and_the_facts_of_an_answer(person):
    page = person.enter()
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.say("What is Cloister?")
    answer = page.locator(".turn.assistant")
    answer.get_by_role("button", name="Copy").click()
    expect(answer.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").strip() == answer.locator(".body").inner_text().strip()
    answer.get_by_role("button", name="How fast it was").click()
    expect(answer.get_by_text(re.compile(r"\d+ tokens.*the first after [\d.]+ s"))).to_be_visible()
    expect(page.locator(".context")).to_contain_text(re.compile(r"[\d,.]+ of [\d,.]+ tokens"))


def test_everything_is_done_from_the_keyboard(person):
    page = person.enter()
    person.say("What is Cloister?")
    command(page, "Rename")
    page.get_by_label("Title").fill("About the house")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("heading", name="About the house")).to_be_visible()
    command(page, "Tags")
    page.get_by_label("Tags, separated by commas").fill("work, house")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".tag")).to_have_text(["house", "work"])
    command(page, "New chat")
    person.say("What is a token?")
    command(page, "Pin to the top")
    expect(page.locator(".list li").first).to_contain_text("What is a token?")
    page.get_by_role("button", name="work").click()
    expect(page.locator(".list li")).to_have_count(1)
    page.get_by_role("button", name="work").click()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search, or choose").fill("about the")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="About the house")).to_be_visible()


def test_what_was_said_is_found(person):
    page = person.enter()
    person.say("A word like Übermut is rare")
    command(page, "New chat")
    person.say("What is Cloister?")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("combobox", name="Search, or choose").fill("ubermut")
    hit = page.get_by_role("option").filter(has=page.locator("mark", has_text="Übermut"))
    hit.wait_for()
    expect(page.get_by_text("1 place found.")).to_be_visible()
    hit.click()
    expect(page.locator(".turn.user .body")).to_have_text("A word like Übermut is rare")


def test_how_it_answers_is_kept_with_the_conversation(person):
    page = person.enter()
    command(page, "How it answers")
    page.get_by_label("What it should know and keep to").fill("Answer in one word.")
    page.get_by_text("Precise").click()
    page.get_by_role("button", name="Save").click()
    person.say("What is Cloister?")
    page.reload()
    page.locator(".list button").first.click()
    page.locator(".turn").first.wait_for()
    command(page, "How it answers")
    expect(page.get_by_label("What it should know and keep to")).to_have_value("Answer in one word.")
    expect(page.get_by_role("radio", name="Precise")).to_be_checked()


def test_conversations_are_exported(person):
    page = person.enter()
    person.say("What is Cloister?")
    with page.expect_download() as saved:
        command(page, "Export as Markdown")
    text = saved.value.path().read_text()
    assert saved.value.suggested_filename == "What is Cloister.md"
    assert text.startswith("# What is Cloister?") and "## You, 20" in text
    with page.expect_download() as saved:
        command(page, "Export every conversation")
    whole = json.loads(saved.value.path().read_text())
    assert whole["format"] == "cloister-conversations"
    assert [turn["role"] for turn in whole["conversations"][0]["turns"]] == ["user", "assistant"]


def test_a_draft_is_there_after_a_reload_and_nowhere_written(person):
    page = person.enter()
    person.say("What is Cloister?")
    page.get_by_label("Write a message").fill("half a thought")
    command(page, "New chat")
    page.get_by_label("Write a message").fill("another one")
    page.wait_for_timeout(800)
    kept = page.evaluate("""() => new Promise((resolve) => {
        const opening = indexedDB.open("cloister", 1);
        opening.onsuccess = () => {
            const request = opening.result.transaction("kept").objectStore("kept").getAllKeys();
            request.onsuccess = () => resolve(request.result);
        };
    })""")
    assert sorted(kept) == ["node", "session"]
    page.reload()
    expect(page.get_by_label("Write a message")).to_have_value("another one")
    page.locator(".list button").first.click()
    expect(page.get_by_label("Write a message")).to_have_value("half a thought")
    for file in person.server.data.rglob("*"):
        assert not file.is_file() or b"half a thought" not in file.read_bytes()


def test_what_is_written_off_the_record_stays_in_the_window(person):
    page = person.enter()
    page.get_by_role("button", name="Off the record").click()
    page.get_by_label("Write a message").fill("between us")
    command(page, "New chat")
    expect(page.get_by_label("Write a message")).to_have_value("")
    page.get_by_role("button", name="Off the record").click()
    expect(page.get_by_label("Write a message")).to_have_value("between us")
    page.wait_for_timeout(600)
    page.reload()
    page.get_by_role("button", name="Off the record").click()
    expect(page.get_by_label("Write a message")).to_have_value("")


def test_the_first_run_chooses_the_model(person):
    store = person.server.home / ".cache/llama.cpp"
    store.mkdir(parents=True)
    shutil.copy(REPOSITORY / "Sources/CGuide/guide.gguf", store / "Other.gguf")
    page = person.page
    page.goto(person.server.link)
    menu = page.get_by_label("Model")
    menu.select_option(label=menu.locator("option", has_text="Other").inner_text())
    person.fill()
    person.confirm()
    person.ready()
    expect(page.get_by_label("Which model answers")).to_have_value("llama.cpp:Other")
    expect(page.locator(".model [role=status]")).to_be_empty()
    person.say("What is Cloister?")
    expect(page.locator(".turn.assistant .speaker")).to_have_text("Other")
