"""Derives every key of a data directory from the passphrase, from docs/formats/vault.md alone: what memory is searched for."""

import sqlite3
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt


def derived(key, info, salt=None):
    return HKDF(hashes.SHA256(), 32, salt, info.encode()).derive(key)


def opened(box, key, label, context):
    aad = b"\1" + struct.pack(">H", len(label)) + label.encode() + context
    return AESGCM(derived(key, "cloister/box/v1", box[1:25])).decrypt(bytes(12), box[25:], aad)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def prefixed(self):
        return self.take(int.from_bytes(self.take(2), "big"))


def slots(record):
    reader = Reader(record)
    reader.take(4 + 1)
    account = reader.take(16)
    reader.take(8 + 32)
    reader.prefixed(), reader.prefixed()
    for _ in range(int.from_bytes(reader.take(2), "big")):
        kind, identifier = reader.take(1), reader.take(16)
        yield account, kind, identifier, reader.prefixed(), reader.prefixed(), reader.prefixed()


def keys_of(data, passphrase):
    """The root key, the keyrings' and the conversations' keys, by name."""
    with sqlite3.connect(f"file:{data}/archive/archive.sqlite?mode=ro", uri=True) as database:
        record = database.execute("select record from account").fetchone()[0]
        rows = database.execute(
            "select c.id, c.scope, k.epoch, k.wrapped from conversation c join conversation_key k on k.conversation = c.id").fetchall()
    found = {}
    for account, kind, identifier, parameters, wrapped, _ in slots(record):
        if kind == b"\1":
            slot = Scrypt(parameters[3:19], 32, 1 << parameters[0], parameters[1], parameters[2]).derive(passphrase.encode())
            found["root"] = opened(wrapped, slot, "slot", account + identifier + kind)
    keyring = found["owner's keyring"] = derived(found["root"], "cloister/root/keyring/v1")
    rings = {bytes(16): keyring}
    for account, kind, _, parameters, wrapped, _ in slots(record):
        if kind == b"\4" and wrapped:
            reader = Reader(parameters)
            reader.take(16)
            scope = reader.take(16)
            rings[scope] = derived(opened(reader.prefixed(), keyring, "scope", account + scope), "cloister/scope/keyring/v1")
    for number, (identifier, scope, epoch, wrapped) in enumerate(rows):
        context = account + identifier + scope + epoch.to_bytes(4, "big")
        found[f"conversation {number}"] = opened(wrapped, rings[scope], "conversation", context)
    return found
