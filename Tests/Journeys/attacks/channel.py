"""A client of the sealed channel, written from docs/formats/channel.md alone: what an attacker who has read it can do."""

import base64
import http.client
import json
import os
import time

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

NOTHING = "0" * 32
SUITE = b"HPKE" + bytes.fromhex("0020" "0001" "0002")
KEM = b"KEM" + bytes.fromhex("0020")


class Refused(Exception):
    """What the host answered instead, in the clear or sealed: status (None inside the channel), code, message."""

    def __init__(self, status, error):
        super().__init__(status, error)
        self.status, self.code, self.message = status, error["code"], error["message"]


def extract(salt, key):
    mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(key)
    return mac.finalize()


def expand(secret, info, count=32):
    return HKDFExpand(hashes.SHA256(), count, info).derive(secret)


def sealing(public, info):
    """RFC 9180, base mode, the sender's side: the encapsulation, how to seal once, and the exporter."""
    own = X25519PrivateKey.generate()
    raw = own.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    shared = own.exchange(X25519PublicKey.from_public_bytes(public))
    label = lambda suite, name, value: b"HPKE-v1" + suite + name + value
    sized = lambda suite, name, value, count: count.to_bytes(2, "big") + label(suite, name, value)
    eae = extract(b"", label(KEM, b"eae_prk", shared))
    secret = expand(eae, sized(KEM, b"shared_secret", raw + public, 32))
    context = b"\0" + extract(b"", label(SUITE, b"psk_id_hash", b"")) + extract(b"", label(SUITE, b"info_hash", info))
    schedule = extract(secret, label(SUITE, b"secret", b""))
    key = expand(schedule, sized(SUITE, b"key", context, 32))
    nonce = expand(schedule, sized(SUITE, b"base_nonce", context, 12), 12)
    exporter = expand(schedule, sized(SUITE, b"exp", context, 32))
    export = lambda name: expand(exporter, sized(SUITE, b"sec", name, 32))
    return raw, lambda text, aad: AESGCM(key).encrypt(nonce, text, aad), export


def padded(text, multiple):
    whole = len(text).to_bytes(4, "big") + text
    return whole + bytes(-len(whole) % multiple)


def unpadded(whole):
    return whole[4:4 + int.from_bytes(whole[:4], "big")]


class Reply:
    """The pieces of one reply, opened as they come."""

    def __init__(self, response, key, aad):
        self.response, self.key, self.aad, self.index, self.finished = response, key, aad, 0, False

    def __iter__(self):
        for line in self.response:
            if not line.startswith(b"data: "):
                continue
            sealed = base64.urlsafe_b64decode(line[6:].strip() + b"==")
            yield self.opened(sealed)

    def opened(self, sealed):
        nonce, place = bytes(4) + self.index.to_bytes(8, "big"), self.aad + self.index.to_bytes(8, "big")
        try:
            whole = AESGCM(self.key).decrypt(nonce, sealed, place + b"\0")
        except Exception:
            whole = AESGCM(self.key).decrypt(nonce, sealed, place + b"\1")
            self.finished = True
        self.index += 1
        return json.loads(unpadded(whole))


class Channel:
    """An open channel: one tab of one person or program."""

    def __init__(self, port, credential):
        self.port, self.tab, self.counter = port, os.urandom(8), 0
        offer = self._bytes("GET", "/cloister/v1/node")
        record, challenge = offer[:190], offer[190:]
        digest = hashes.Hash(hashes.SHA256())
        digest.update(record)
        encapsulated, seal, export = sealing(record[35:67], b"cloister/open/v1" + digest.finalize() + challenge)
        sealed = seal(padded(json.dumps(credential).encode(), 256), b"open")
        self.secret = export(b"cloister/channel/v1")
        piece = self._bytes("POST", "/cloister/v1/open", b"\1" + record[11:19] + challenge + encapsulated + sealed)
        self.account = bytes(16)
        opened = Reply(None, *self._reply("open", NOTHING, bytes(16))).opened(piece)
        if "error" in opened:
            raise Refused(None, opened["error"])
        self.opened, self.account = opened, bytes.fromhex(opened["account"])
        self.route = expand(self.secret, b"cloister/route/v1", 16).hex()

    def _connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def _bytes(self, method, path, body=None):
        connection = self._connection()
        connection.request(method, path, body)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise Refused(response.status, json.loads(content)["error"])
        return content

    def _reply(self, action, target, where):
        key = expand(self.secret, b"cloister/reply/v1" + where)
        name = action.encode()
        return key, b"cloister/reply/v1" + self.account + bytes.fromhex(target) + len(name).to_bytes(2, "big") + name + where

    def sealed(self, action, content, target=NOTHING):
        """The body of the next request, and what opens its reply."""
        self.counter += 1
        number, name = self.counter.to_bytes(8, "big"), action.encode()
        key = expand(self.secret, b"cloister/request/v1" + self.tab)
        aad = (b"cloister/request/v1" + self.account + bytes.fromhex(target) + len(name).to_bytes(2, "big") + name
               + self.tab + number)
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        body = b"\1" + self.tab + number + AESGCM(key).encrypt(bytes(4) + number, padded(text, 64), aad)
        return body, self._reply(action, target, self.tab + number)

    def start(self, action, content=None, target=NOTHING, chunked=False):
        """Sends a request; its pieces are read one by one."""
        body, binding = self.sealed(action, {} if content is None else content, target)
        connection = self._connection()
        path = f"/cloister/v1/cell/{action}" + ("" if target == NOTHING else f"/{target}")
        connection.request("POST", path, iter([body]) if chunked else body, {"Cookie": f"cloister-route={self.route}"}, encode_chunked=chunked)
        response = connection.getresponse()
        if response.status != 200:
            raise Refused(response.status, json.loads(response.read())["error"])
        return Reply(response, *binding)

    def pieces(self, action, content=None, target=NOTHING):
        """Every piece of a reply; a refusal as a final piece is one of them. A cut reply is an error."""
        reply = self.start(action, content, target)
        pieces = list(reply)
        assert reply.finished, f"the reply to {action} was cut off"
        return pieces

    def ask(self, action, content=None, target=NOTHING):
        """The last piece; a refusal is raised."""
        last = self.pieces(action, content, target)[-1]
        if "error" in last:
            raise Refused(None, last["error"])
        return last


def within(seconds, condition):
    """Waits until something holds; the time that it took, or None."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if condition():
            return time.monotonic() - start
        time.sleep(0.02)
    return None
