"""A gateway that changes what passes: the page notices, in a real browser, and shows nothing that is not authentic."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "attacks"))
from middle import events, pieces  # noqa: E402
from page_fixtures import *  # noqa: E402, F403

CUT, CHANGED = "The connection broke before the answer was complete", "something between your browser and the cell changed it"
WAYS = {
    "the last piece dropped": (lambda parts: parts[:-1], CUT),
    "a piece dropped": (lambda parts: parts[:2] + parts[3:], CHANGED),
    "a piece twice": (lambda parts: parts[:3] + parts[2:], CHANGED),
    "two pieces in the other order": (lambda parts: [*parts[:2], parts[3], parts[2], *parts[4:]], CHANGED),
    "one bit changed": (lambda parts: [*parts[:2], bytes([parts[2][0] ^ 1]) + parts[2][1:], *parts[3:]], CHANGED),
    "nothing at all": (lambda parts: [], "That did not work"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_changed_answer_is_said_and_not_shown_as_whole(person, way):
    page = person.enter()
    person.say("What is Cloister?")
    whole = page.locator(".turn.assistant").last.inner_text()
    changed = []

    def tamper(route):
        reply = route.fetch()
        parts = pieces(reply.body())
        assert len(parts) > 4
        changed.append(route.request.url)
        route.fulfill(response=reply, body=events(WAYS[way][0](parts)))

    page.route("**/cloister/v1/cell/conversations.send/**", tamper)
    page.get_by_label("Write a message").fill("What is Cloister?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text=WAYS[way][1])).to_be_visible()
    assert changed
    shown = page.locator(".turn.assistant").all_inner_texts()
    assert shown.count(whole) <= 1, "a changed answer is shown as if it were whole"


def test_keys_of_another_node_get_no_passphrase(person):
    """The record of the keys is changed on its way: the page raises the alarm before anything is sent."""
    page = person.enter()
    page.get_by_role("button", name="Lock").click()
    expect(page.get_by_role("heading", name="Unlock")).to_be_visible()
    opened = []
    page.on("request", lambda request: opened.append(request.url) if request.url.endswith("/open") else None)

    def tamper(route):
        reply = route.fetch()
        body = bytearray(reply.body())
        body[40] ^= 1
        route.fulfill(response=reply, body=bytes(body))

    page.route("**/cloister/v1/node", tamper)
    person.unlock()
    expect(page.get_by_role("alert").filter(has_text="could not be verified")).to_be_visible()
    assert opened == []
