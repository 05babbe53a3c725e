"""The token ids of a text as they would lie in memory: what a person's words are to an engine."""

import struct
from pathlib import Path

import gguf

REPOSITORY = Path(__file__).resolve().parents[3]
RUN = 6  # Consecutive ids: fewer could be somebody else's.
STRIDES = (4, 8)  # 32-bit ids; ids in 64-bit integers.


class Words:
    """Byte pair encoding of single words, from the guide's tables; the models that the tests make have the same."""

    def __init__(self):
        fields = gguf.GGUFReader(REPOSITORY / "Sources/CGuide/guide.gguf").fields
        self.ids = {piece: number for number, piece in enumerate(fields["tokenizer.ggml.tokens"].contents())}
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(fields["tokenizer.ggml.merges"].contents())}

    def encoded(self, word):
        """The ids of a word of plain letters behind a blank."""
        pieces = ["Ġ", *word]
        while pairs := [(self.ranks[pair], at) for at, pair in enumerate(zip(pieces, pieces[1:])) if pair in self.ranks]:
            at = min(pairs)[1]
            pieces[at:at + 2] = ["".join(pieces[at:at + 2])]
        return [self.ids[piece] for piece in pieces]


def runs(phrase):
    """For each stride the first ids of the phrase's later words, as bytes; the first word may be joined to what stands before it."""
    ids = [number for word in phrase.split()[1:] for number in Words().encoded(word)][:RUN]
    assert len(ids) == RUN, "the phrase is too short"
    return [struct.pack(f"<{RUN}{'i' if stride == 4 else 'q'}", *ids) for stride in STRIDES]
