"""Each process in turn is hit in each way while two are being answered: nothing acknowledged is lost, nothing is readable, and who was not hit goes on."""

import os
from collections import Counter

import pytest

from house import PERSONS_CELL, PROGRAMS_CELL, House, Refused, ended, within
from faults import FAULTS, strike
from residue import Residue
from soak_report import noted

ROUNDS = int(os.environ.get("CLOISTER_CRASH_ROUNDS", "20"))
PERSON, PROGRAM = "the person", "the program"
ENGINE_ENDED = "The model could not answer: the model's process has ended."
# Who is answered through which process; through every other one both are.
CONCERNS = {PERSONS_CELL: {PERSON}, PROGRAMS_CELL: {PROGRAM}, "endpoints": {PROGRAM}}


@pytest.fixture
def house():
    house = House()
    yield house
    house.close()


def test_a_crash_of_any_process_in_an_answer_loses_and_leaves_nothing(house):
    residue, tally, left = Residue(house.home), Counter(), []
    house.call("first"), house.programs_talk().stop()
    roles = house.roles()
    for number in range(ROUNDS):
        # Every role in turn; each of its turns another fault.
        cycle, turn = divmod(number, len(roles))
        role, fault = roles[turn], FAULTS[(turn + cycle) % len(FAULTS)]
        has_ended = crash(house, role, fault, number)
        left += [f"{fault} of {role}: {one}" for one in residue.of(house.secrets[-4:])]
        tally[f"{fault}, {role}: " + ("ended" if has_ended else "refused what it had no memory for, and went on")] += 1
    lost, left = house.lost(), left + residue.of(house.secrets)
    kept = sum(map(len, [*house.turns.values(), *house.messages.values()]))
    noted("crash matrix", rounds=ROUNDS, acknowledged=kept, lost=len(lost), **{"left behind": len(left)}, **tally)
    assert not lost and not left, left


def crash(house, role, fault, number):
    """One round. Returns whether the process ended."""
    conversation, session = house.say(), f"session {number}"
    house.call(session)
    talks = {PERSON: house.persons_talk(conversation), PROGRAM: house.programs_talk()}
    victim, everybody = house.process(role), house.family()
    has_ended = strike(house, victim, fault)
    concerned = CONCERNS.get(role, {PERSON, PROGRAM})
    for who in set(talks) - concerned:
        talks[who].wait_for_text(3)
    if has_ended:
        for who in concerned:
            assert talks[who].ends(10), f"{fault} of {role}: the answer of {who} hangs"
            assert role != "engine" or talks[who].error == ENGINE_ENDED, f"{who} was told {talks[who].last}"
    if has_ended and role == "supervisor":
        house.server.wait(5)
        assert ended(everybody, 2), "a process outlives the server"
        house.start()
    assert house.answers(), f"{fault} of {role}: no answer within 5 seconds"
    for talk in talks.values():
        if not talk.is_over:
            talk.stop()
    unlock(house, must=has_ended and role == PERSONS_CELL)
    assert not (lost := house.lost([conversation], [session])), f"{fault} of {role}: {len(lost)} turns are gone"
    assert_all_work(house, conversation, session)
    if has_ended and role != "supervisor":
        assert within(5, lambda: house.process(role) not in (None, victim)) is not None, "no other process took its place"
    return has_ended


def unlock(house, must):
    """Whose cell has ended is asked to unlock; whose has not is not."""
    try:
        house.channel.ask("conversations")
        assert not must, "a dead cell answered"
    except Refused as refusal:
        assert (refusal.status, refusal.code) == (401, "locked"), refusal
        house.channel = house.unlocked()


def assert_all_work(house, conversation, session):
    """The next questions of both are answered, by both models."""
    house.say(conversation)
    house.call(session)
    house.persons_talk(conversation).stop()
    house.programs_talk().stop()
