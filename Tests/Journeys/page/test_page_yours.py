"""What belongs to the person: settings, sessions, keys, passphrase and recovery, what is stored, and the panel's proofs."""

import os
import re

import pytest
from playwright.sync_api import expect

from page_fixtures import PASSPHRASE, Person, browser, context, person, server  # noqa: F401 (fixtures are found by name)

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


def yours(person):
    page = person.enter()
    person.say("What is Cloister?")
    page.get_by_title("Yours").click()
    page.get_by_role("heading", name="Yours").wait_for()
    return page


def section(page, name):
    return page.locator(".sheet > section").filter(has=page.get_by_role("heading", name=name))


def test_settings_are_kept(person):
    page = yours(person)
    kept = section(page, "What is kept")
    kept.get_by_label("Keep conversations, sealed").uncheck()
    kept.get_by_label("Lock when unused for").select_option("5")
    page.reload()
    page.get_by_title("Yours").click()
    expect(page.get_by_label("Keep conversations, sealed")).not_to_be_checked()
    expect(page.get_by_label("Lock when unused for")).to_have_value("5")
    page.get_by_role("button", name="Back to the chat").click()
    person.ready()


def test_an_unused_page_locks_itself(person):
    page = person.page
    # Fifteen minutes pass in three seconds.
    page.add_init_script("const real = setTimeout; setTimeout = (work, ms, ...more) => real(work, ms >= 60_000 ? ms / 300 : ms, ...more);")
    person.enter()
    for _ in range(4):
        page.wait_for_timeout(1_000)
        page.keyboard.press("Shift")
    person.ready()
    page.get_by_label("Write a message").fill("half a thought")
    page.keyboard.press("Shift")
    page.get_by_role("heading", name="Unlock").wait_for()


def test_another_session_is_closed_from_here(person, browser):
    page = yours(person)
    other = Person(browser.new_context(), person.server)
    other.page.goto(person.server.origin)
    other.unlock()
    other.ready()
    page.reload()
    page.get_by_title("Yours").click()
    sessions = section(page, "Open sessions")
    expect(sessions.get_by_role("row")).to_have_count(3)
    sessions.get_by_role("button", name="Close it").click()
    expect(sessions.get_by_role("row")).to_have_count(2)
    other.page.reload()
    other.page.get_by_role("heading", name="Unlock").wait_for()


def test_a_key_is_made_shown_once_and_revoked(person):
    page = yours(person)
    keys = section(page, "API keys")
    keys.get_by_label("Label").fill("editor")
    keys.get_by_role("button", name="Make a key").click()
    token = keys.locator(".once code").inner_text()
    assert token.startswith("cloister_")
    body = {"model": "default", "messages": [{"role": "user", "content": "What is Cloister?"}]}
    ask = lambda: page.request.post(person.server.origin + "/v1/chat/completions", data=body, headers={"Authorization": f"Bearer {token}"})
    assert ask().ok
    keys.get_by_role("button", name="Revoke").click()
    expect(keys.get_by_role("row")).to_have_count(0)
    expect(keys.locator(".once")).to_have_count(0)
    assert ask().status == 401


def test_the_passphrase_the_code_and_all_keys_are_renewed(person):
    page = yours(person)
    part = section(page, "Passphrase and recovery")
    part.get_by_label("Current passphrase, or recovery code").fill("not the right one")
    part.get_by_role("button", name="Make a new recovery code").click()
    expect(part.get_by_role("alert")).to_have_text("That is not the current passphrase, and not the recovery code.")
    part.get_by_label("Current passphrase, or recovery code").fill(PASSPHRASE)
    part.get_by_role("button", name="Make a new recovery code").click()
    first = part.locator(".once code").inner_text()
    part.get_by_label("Current passphrase, or recovery code").fill(PASSPHRASE)
    part.get_by_label("New passphrase").fill("another long passphrase")
    part.get_by_role("button", name="Renew all keys").click()
    expect(part.get_by_text("Everything is sealed under fresh keys.")).to_be_visible()
    code = part.locator(".once code").inner_text()
    assert re.fullmatch(r"([0-9A-Z]{4}-){8}[0-9A-Z]{4}", code) and code != first
    page.get_by_role("button", name="Lock").click()
    person.unlock("another long passphrase")
    person.ready()
    page.locator(".list button").first.click()
    expect(page.locator(".turn")).to_have_count(2)


def test_what_is_stored_is_counted(person):
    page = yours(person)
    stored = section(page, "What is stored about you")
    expect(stored.get_by_role("row").filter(has_text="Messages")).to_contain_text("2")
    expect(stored).to_contain_text("in the clear")


def test_the_panel_lets_its_claims_be_refuted(person):
    page = person.enter()
    person.say("What is Cloister?")
    page.get_by_role("button", name="Privacy panel").click()
    panel = page.locator(".panel")
    panel.get_by_role("button", name="Flip one bit of a copy").click()
    expect(panel.get_by_text(re.compile(r"Bit \d of byte \d+ of record 1 was flipped in a copy: refused\."))).to_be_visible()
    listening = panel.locator(".evidence").filter(has=page.locator("dt", has_text="Listening on"))
    listening.locator("summary").click()
    expect(listening.locator(".command")).to_contain_text(f"ss -tlnp | grep -E 'pid=({person.server.process.pid}|")
    stored = panel.locator(".evidence").filter(has_text="as it lies on disk")
    stored.locator("summary").click()
    expect(stored.locator(".command")).to_contain_text("archive.sqlite")


def test_the_walls_are_tried_before_the_persons_eyes(person):
    page = person.enter()
    page.get_by_role("button", name="Privacy panel").click()
    panel = page.locator(".panel")
    for process in ("Your cell: keys and text", "An engine: weights and token ids", "The gateway", "The endpoints", "The first process"):
        held = panel.locator(".evidence").filter(has=page.locator("dt", has_text=process)).first
        tried = re.search(r"(\d+) of (\d+) attempts to break out were refused", held.inner_text())
        assert tried and tried[1] == tried[2] and int(tried[1]) >= 15
        held.locator("summary").click()
        expect(held.locator("li").first).to_have_text(re.compile(r"TCP connection: E[A-Z]+"))
    before = panel.locator(".attempts").count()
    panel.get_by_role("button", name="Try to break out").click()
    expect(panel.locator(".attempts")).to_have_count(before + 5)
    expect(panel.get_by_text("NOT HELD")).to_have_count(0)
