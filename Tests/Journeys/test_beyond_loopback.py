"""A server that can be reached from elsewhere: TLS and HTTP/2 only, by exact names only, without the door for programs."""

import datetime
import ipaddress
import os
import re
import socket
import ssl
from pathlib import Path

import httpx
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beyond import ADDRESS, NAME, Beyond, beyond, free_port  # noqa: F401 (fixtures are found by name)

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


def client(beyond, **more):
    """A client of HTTP/2 that goes to 127.0.0.2 whatever the name, and trusts the authority only."""
    class There(httpx.HTTPTransport):
        def handle_request(self, request):
            request.extensions["sni_hostname"] = request.url.host
            request.url = request.url.copy_with(host=ADDRESS)
            return super().handle_request(request)
    return httpx.Client(transport=There(http2=True, verify=beyond.context("h2"), trust_env=False), base_url=beyond.named, **more)


# What is printed, made and renewed.

def test_the_banner_says_what_changes(beyond):
    said = "".join(beyond.lines)
    certificate = x509.load_pem_x509_certificate(Path(beyond.authority).read_bytes())
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    assert fingerprint in re.sub(r"\s+", "", said)
    for words in ("may try to unlock", "trusts it, and whoever runs it", "programs are served on this machine only", "cloister connect",
                  f"passkeys need a name: they will work at {NAME}", "NEW: nobody trusts it yet"):
        assert words in said, words
    assert beyond.link.startswith(f"https://{NAME}:{beyond.port}/#node=")
    assert fingerprint in beyond.home.run("doctor", "--data", beyond.home.data, check=False).stdout


def test_the_authority_can_vouch_for_its_host_list_only(beyond):
    certificate = x509.load_pem_x509_certificate(Path(beyond.authority).read_bytes())
    limits = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical and [name.value for name in limits.value.permitted_subtrees] == [NAME, ipaddress.ip_network(f"{ADDRESS}/32")]
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    own = x509.load_pem_x509_certificate((beyond.home.data / "tls.pem").read_bytes())
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME] and names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(ADDRESS)]
    assert own.not_valid_after_utc - own.not_valid_before_utc < datetime.timedelta(days=398)
    for name in ("authority.key", "tls.key", "authority.pem", "tls.pem"):
        assert (beyond.home.data / name).stat().st_mode & 0o077 == 0, name
    assert (beyond.home.data / "node.key").read_bytes() not in (beyond.home.data / "tls.key").read_bytes()


def test_a_second_start_shows_the_same_and_other_names_another(home):
    home.init()
    server = Beyond(home).start()
    files = {name: (home.data / name).read_bytes() for name in ("authority.pem", "tls.pem", "tls.key")}
    home.stop(server.server)
    server.start()
    assert {name: (home.data / name).read_bytes() for name in files} == files and "NEW" not in "".join(server.lines)
    home.stop(server.server)
    # Fewer names: the same authority issues anew.
    server.arguments = server.arguments[:-1] + (NAME,)
    server.start()
    assert (home.data / "authority.pem").read_bytes() == files["authority.pem"] and (home.data / "tls.pem").read_bytes() != files["tls.pem"]
    home.stop(server.server)
    # A name that it cannot vouch for: another authority, and it is said.
    server.arguments = server.arguments[:-1] + (f"{NAME},other.test",)
    server.start()
    assert (home.data / "authority.pem").read_bytes() != files["authority.pem"] and "NEW: nobody trusts it yet" in "".join(server.lines)


# What is refused before anything listens.

def pair(root, names=(NAME, ADDRESS), days=30, since=1, mode=0o600):
    """An own certificate, as an administrator brings one."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an office")])
    general = [x509.DNSName(name) if name[-1].isalpha() else x509.IPAddress(ipaddress.ip_address(name)) for name in names]
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=since)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(general), False).add_extension(x509.BasicConstraints(True, 0), True).sign(key, hashes.SHA256()))
    certificate, secret = root / f"own-{os.urandom(4).hex()}.pem", root / f"own-{os.urandom(4).hex()}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.touch(mode=mode)
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    secret.chmod(mode)
    return certificate, secret


def refused(home, *arguments):
    port = free_port()
    result = home.run("serve", "--data", home.data, "--port", home.port, "--tls-port", port, *arguments, check=False)
    assert result.returncode == 1 and result.stdout == "", result.stdout
    for place in ((ADDRESS, port), ("127.0.0.1", home.port)):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place)
    return result.stderr


@pytest.mark.parametrize("arguments, words", [
    (("--host", ADDRESS), "--host needs --names"),
    (("--names", NAME), "counts only with --host"),
    (("--host", ADDRESS, "--names", "*.test"), "no wildcards"),
    (("--host", ADDRESS, "--names", "cloister.test:80"), "no wildcards, no ports"),
    (("--host", ADDRESS, "--names", "0.0.0.0"), "no host name or address"),
    (("--host", "a b", "--names", NAME), "--host must be an address"),
    (("--host", "198.51.100.7", "--names", NAME), "no address of this machine"),
    (("--host", ADDRESS, "--names", NAME, "--certificate", "x.pem"), "go together"),
    (("--host", ADDRESS, "--names", NAME, "--certificate", "/nowhere.pem", "--key", "/nowhere.key"), "cannot be read"),
])
def test_a_setting_that_would_not_hold_is_refused_in_a_sentence(home, arguments, words):
    assert words in refused(home, *arguments)


def test_a_certificate_that_browsers_would_refuse_is_refused_at_the_start(home):
    certificate, key = pair(home.root)
    other, others_key = pair(home.root)
    old, open_pair, poor, coming = pair(home.root, days=-1, since=9), pair(home.root, mode=0o644), pair(home.root, [NAME]), pair(home.root, since=-1)
    nonsense = home.root / "nonsense.pem"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    nonsense.chmod(0o600)
    host = ("--host", ADDRESS, "--names", f"{NAME},{ADDRESS}")
    for (first, second), words in {
        (certificate, others_key): "not the key of the first certificate", old: "ended on", open_pair: "can be read by others",
        poor: f"does not stand for {ADDRESS}", coming: "begins on", (nonsense, key): "no certificate in PEM", (certificate, nonsense): "no private key in PEM",
    }.items():
        assert words in refused(home, *host, "--certificate", first, "--key", second), words


def test_an_own_certificate_is_shown_and_binds_browsers(home):
    home.init()
    certificate, key = pair(home.root)
    server = Beyond(home, "--certificate", certificate, "--key", key)
    server.authority = str(certificate)
    server.start()
    status, head, _ = server.exchange()
    assert status == 200 and "strict-transport-security: max-age=31536000" in head.lower()
    assert not (home.data / "authority.key").exists()


# Who is served, and what.

def test_both_versions_of_http_serve_the_page_and_the_channel(beyond):
    with client(beyond) as browser:
        for path in ("/", "/cloister/v1/node"):
            reply = browser.get(path)
            assert (reply.status_code, reply.http_version) == (200, "HTTP/2"), path
        assert len(browser.get("/cloister/v1/node").content) == 222
        assert "strict-transport-security" not in browser.get("/").headers, "a local authority may be made anew"
    assert beyond.exchange()[0] == 200 and beyond.exchange("/cloister/v1/node", host=f"{ADDRESS}:{beyond.port}", name=ADDRESS)[0] == 200


def test_the_door_for_programs_is_not_there(beyond):
    key = {"Authorization": f"Bearer {beyond.home.token}"}
    with client(beyond, headers=key) as browser:
        for path in ("/v1/models", "/api/tags", "/health", "/history/x"):
            assert browser.get(path).status_code == 404, path
        for path in ("/v1/chat/completions", "/api/chat", "/chat"):
            assert browser.post(path, json={"model": "default", "messages": []}).status_code == 404, path
    assert requests.get(beyond.home.url + "/v1/models", headers=key).status_code == 200, "the control: on loopback it is"


@pytest.mark.parametrize("host", ["evil.example", NAME, f"{NAME}:1", "localhost:{port}", "127.0.0.1:{port}", f"www.{NAME}:{{port}}", f"{NAME}.:{{port}}", ""])
def test_other_names_are_refused_in_both_versions(beyond, host):
    host = host.format(port=beyond.port)
    assert beyond.exchange(host=host or " ")[0] in (400, 421)
    with client(beyond) as browser:
        try:
            assert browser.get("/", headers={"Host": host}).status_code in (400, 421)
        except httpx.RemoteProtocolError:
            pass  # No authority at all: the stream is reset.


def test_other_origins_are_refused(beyond):
    with client(beyond) as browser:
        assert browser.post("/cloister/v1/open", content=b"x", headers={"Origin": beyond.named}).status_code == 400, "the control: it is heard"
        for origin in ("https://evil.example", f"http://{NAME}:{beyond.port}", f"https://{NAME}", "null", f"http://localhost:{beyond.home.port}"):
            assert browser.post("/cloister/v1/open", content=b"x", headers={"Origin": origin}).status_code == 403, origin
        assert browser.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert not [name for name in browser.get("/").headers if name.startswith("access-control")]


def test_plain_http_and_old_tls_get_nothing(beyond):
    with socket.create_connection((ADDRESS, beyond.port), timeout=5) as wire:
        wire.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}:{beyond.port}\r\n\r\n".encode())
        assert b"HTTP/" not in wire.recv(4096)
    for lowest, ciphers in ((ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"), (ssl.TLSVersion.TLSv1_2, "AES256-SHA:AES128-GCM-SHA256:@SECLEVEL=0")):
        context = beyond.context("http/1.1")
        context.minimum_version = context.maximum_version = lowest
        context.set_ciphers(ciphers)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(socket.create_connection((ADDRESS, beyond.port)), server_hostname=NAME)
    context = beyond.context("http/1.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with context.wrap_socket(socket.create_connection((ADDRESS, beyond.port)), server_hostname=NAME) as wire:
        assert wire.version() == "TLSv1.2" and wire.cipher()[0].startswith("ECDHE"), "the control"


def test_loopback_is_as_it_was(beyond):
    assert requests.get(beyond.home.url).status_code == 200
    assert requests.get(beyond.home.url, headers={"Host": f"{NAME}:{beyond.port}"}).status_code == 421
