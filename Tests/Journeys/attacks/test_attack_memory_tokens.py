"""Class 18, memory after the lock, as an engine sees it: the token ids of what was said, in every process of the server."""

import os

import pytest

from attack_fixtures import owner, slow_house  # noqa: F401 (fixtures are found by name)
from channel import within
from processes import roles
from sweeping import assert_gone_after_lock, canary, in_memory
from token_ids import runs

pytestmark = [
    pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run"),
    pytest.mark.skipif(os.geteuid() != 0, reason="not shown: reading another process's memory needs root"),
]


class Process:
    """One process, as the scan wants it."""

    def __init__(self, pid):
        self.pid = pid


def engines(server):
    return [Process(engine) for engine in roles(server)["engine"]]


def begun(house, phrase):
    """A person's channel and conversation in which an answer is being made."""
    channel = owner(house)
    conversation = channel.ask("conversations.create", {"offRecord": False})["id"]
    reply = iter(channel.start("conversations.send", {"text": phrase}, conversation))
    assert within(20, lambda: "text" in next(reply)) is not None
    return channel, conversation, reply


def test_a_lock_leaves_no_token_ids_in_any_process(slow_house):
    """Pass: ids in rows of 32 or 64 bits that are in memory while the answer is made (the control) are in no process after the lock."""
    secret, other = canary(), canary()
    channel, _, _ = begun(slow_house, secret)
    wanted, unsaid = runs(secret), runs(other)
    there = in_memory(slow_house.server, wanted + unsaid)
    assert there and there <= set(range(len(wanted))), "the control found nothing, or what nobody said"
    assert any(in_memory(engine, wanted) for engine in engines(slow_house.server)), "the engine reads other ids than these"
    channel.ask("lock")
    assert_gone_after_lock(slow_house.server, [secret, *wanted])


def test_the_end_of_a_conversation_leaves_no_token_ids_in_its_engine(slow_house):
    """Pass: the person stays unlocked, the conversation is deleted, and no engine has its ids any more."""
    secret = canary()
    channel, conversation, reply = begun(slow_house, secret)
    wanted = runs(secret)
    held = [engine for engine in engines(slow_house.server) if in_memory(engine, wanted)]
    assert held, "the control found nothing, so nothing would be shown"
    channel.ask("conversations.stop", {}, conversation)
    list(reply)
    channel.ask("conversations.delete", {}, conversation)
    for engine in held:
        assert_gone_after_lock(engine, wanted)
    channel.ask("lock")
