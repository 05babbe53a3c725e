"""Registries that lie, send on, never end or say too much: refused with a sentence, and nothing of theirs is kept."""

import datetime
import ipaddress
import json
import ssl

import pytest

from registry import CONTENT, FILE, HUB, MODEL_LAYER, OLLAMA, Registry
from test_pull import pull, registry, store  # noqa: F401 (a fixture)


def manifest(layers):
    return lambda handler: handler.reply(body=layers if isinstance(layers, bytes) else json.dumps({"layers": layers}).encode())


def layer(digest="sha256:" + "a" * 64, size=5, kind=MODEL_LAYER):
    return {"mediaType": kind, "digest": digest, "size": size}


def forever(piece):
    while True:
        yield piece


def changed(registry):
    registry.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])


def longer(registry):
    registry.content += b"more"


def shorter(registry):
    registry.content = CONTENT[:-4]


def endless(registry):
    registry.blob = registry.chunked(forever(b"x" * 65_536))


def longer_in_chunks(registry):
    registry.blob = registry.chunked([CONTENT, b"more"])


def compressed(registry):
    registry.blob = lambda handler: handler.reply(200, registry.content, Content_Encoding="gzip")


def another_part(registry):
    registry.blob = lambda handler: handler.reply(206, CONTENT[5:], Content_Range=f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}")


def no_model(registry):
    registry.__init__(b"hello, I am no model" * 20)


def huge_head(registry):
    registry.anything = lambda handler: handler.reply(200, b"", X_Filler="x" * 300_000)


def nonsense(registry):
    registry.anything = lambda handler: handler.wfile.write(b"\x00\xff" * 500)


BLOBS = [
    (changed, "not what the registry announced"), (longer, "not what the registry announced"),
    (shorter, "not what the registry announced"), (endless, "not what the registry announced"),
    (longer_in_chunks, "not what the registry announced"), (compressed, "compressed"), (another_part, "another part"),
    (no_model, "not a GGUF"), (huge_head, "no HTTP"), (nonsense, "no HTTP")]


@pytest.mark.parametrize("misbehave,words", BLOBS, ids=lambda x: getattr(x, "__name__", ""))
def test_what_is_not_what_was_announced_is_refused_and_not_kept(home, registry, misbehave, words):
    misbehave(registry)
    refused = pull(home, registry, OLLAMA, check=False)
    assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    left = [p.name for p in (home.data / "models").glob("*") if p.name not in ("lock", "models.json")]
    assert left == [], left


def test_a_beginning_that_is_another_file_is_thrown_away(home, registry):
    """The part on the disk is hashed again, too."""
    registry.blob, whole = registry.cut(len(CONTENT) // 2), registry.blob
    pull(home, registry, OLLAMA, check=False)
    part = next((home.data / "models").glob(".*.part"))
    with open(part, "r+b") as file:
        file.write(b"GGUX")
    registry.blob = whole
    assert "not what the registry announced" in pull(home, registry, OLLAMA, check=False).stderr
    assert not part.exists() and "pulled" in pull(home, registry, OLLAMA).stdout


DEEP = b'{"layers": ' + b"[" * 400_000
MANIFESTS = {
    "empty": (b"", "not what this kind"), "no JSON": (b"<html>", "not what this kind"), "deep": (DEEP, "not what this kind"),
    "huge": (b'{"layers": [' + b" " * (2 << 20) + b"]}", "larger than anything sensible"),
    "no layer": ([], "not what this kind"), "other layers": ([layer(kind="text/plain")], "not what this kind"),
    "two models": ([layer(), layer()], "not what this kind"), "no size": ([{"mediaType": MODEL_LAYER, "digest": "sha256:" + "a" * 64}], "not what this kind"),
    "short digest": ([layer("sha256:abc")], "SHA-256"), "path as digest": ([layer("sha256:../../../../etc/passwd")], "SHA-256"),
    "other hash": ([layer("md5:" + "a" * 64)], "SHA-256"), "upper case": ([layer("sha256:" + "A" * 64)], "SHA-256"),
    "negative": ([layer(size=-1)], "SHA-256"), "zero": ([layer(size=0)], "SHA-256"), "fraction": ([layer(size=1.5)], "not what this kind"),
    "beyond integers": ([layer(size=10**30)], "not what this kind"), "largest integer": ([layer(size=2**63 - 1)], "there is room for"),
    "larger than the disk": ([layer(size=1 << 39)], "there is room for")}


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests_are_judged(home, registry, case):
    body, words = MANIFESTS[case]
    registry.manifest = manifest(body)
    refused = pull(home, registry, OLLAMA, check=False)
    assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    assert all("/blobs/" not in path for _, path, _ in registry.requests) and store(home) == []


@pytest.mark.parametrize("headers,words", [
    ({"ETag": '"x"'}, "SHA-256"), ({"ETag": 'W/"' + "a" * 64 + '"'}, "SHA-256"), ({"X_Linked_Etag": "a" * 64, "X_Linked_Size": "-5"}, "SHA-256"),
    ({"X_Linked_Etag": "a" * 64, "X_Linked_Size": "9" * 40}, "SHA-256"), ({"X_Linked_Etag": "a" * 64, "X_Linked_Size": "5e3"}, "SHA-256")])
def test_heads_are_judged(home, registry, headers, words):
    registry.announcement = lambda handler: handler.reply(200, **headers)
    refused = pull(home, registry, FILE, check=False)
    assert refused.returncode == 1 and words in refused.stderr and store(home) == []


def test_a_listing_and_a_head_that_contradict_each_other(home, registry):
    registry.announcement = lambda handler: handler.reply(200, ETag='"' + "a" * 64 + '"', Content_Length=5)
    assert "two different ones" in pull(home, registry, HUB, check=False).stderr
    registry.listing = lambda handler: handler.reply(200, b"[" * 5_000_000)
    assert "larger than anything" in pull(home, registry, HUB, check=False).stderr


def test_a_loop_of_redirects_ends(home, registry):
    registry.anything = lambda handler: handler.reply(302, Location=f"{registry.origin}/again")
    assert "sends on and on" in pull(home, registry, OLLAMA, check=False).stderr
    assert len(registry.requests) == 6


def certificate(folder):
    """A certificate for models.example that nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "models.example")])
    names = x509.SubjectAlternativeName([x509.DNSName("models.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    day, now = datetime.timedelta(days=1), datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - day).not_valid_after(now + day).add_extension(names, False).sign(key, hashes.SHA256()))
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path


@pytest.mark.parametrize("origin", ["https://models.example:{}[127.0.0.1]", "https://127.0.0.1:{}"])
def test_a_certificate_that_nobody_vouches_for_is_refused(home, origin):
    registry = Registry()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(home.root))
    registry.server.socket = context.wrap_socket(registry.server.socket, server_side=True)
    try:
        refused = home.run("models", "pull", OLLAMA, "--registries", "ollama=" + origin.format(registry.port), "--data", home.data, check=False)
    finally:
        registry.close()
    assert refused.returncode == 1 and "certificate is not valid" in refused.stderr and registry.requests == []
