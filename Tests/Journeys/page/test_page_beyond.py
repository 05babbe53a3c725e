"""The page over TLS, in a real Chromium that goes by the server's name."""

import base64
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from playwright.sync_api import sync_playwright

import conftest
from beyond import ADDRESS, NAME, Beyond
from page_fixtures import CHROMIUM, Person

pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


@pytest.fixture
def beyond():
    home = conftest.Home()
    try:
        yield Beyond(home).start()
    finally:
        home.close()


def test_a_person_elsewhere_begins_chats_and_unlocks_over_http2(beyond):
    """Trusting is the operating system's; here the browser is told the server's key. Everything comes over HTTP/2 from that one origin."""
    key = x509.load_pem_x509_certificate((Path(beyond.home.data) / "tls.pem").read_bytes()).public_key()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    trust = "--ignore-certificate-errors-spki-list=" + base64.b64encode(digest.finalize()).decode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", trust, f"--host-resolver-rules=MAP {NAME} {ADDRESS}"])
        context = browser.new_context()
        complaints, elsewhere = [], []
        context.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        context.on("request", lambda request: None if request.url.startswith(beyond.named + "/") else elsewhere.append(request.url))
        person = Person(context, beyond)
        page = person.enter()
        assert page.evaluate("isSecureContext") and page.url == beyond.named + "/", "the token left the address bar"
        person.say("What is Cloister?")
        assert "private AI" in page.locator(".turn.assistant .body").inner_text()
        page.get_by_role("button", name="Lock").click()
        person.unlock()
        person.ready()
        page.locator(".list button").first.click()
        page.locator(".turn.assistant").wait_for()
        protocols = page.evaluate("performance.getEntries().filter(entry => entry.nextHopProtocol).map(entry => entry.nextHopProtocol)")
        assert protocols and set(protocols) == {"h2"}
        [cookie] = context.cookies()
        assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Strict"
        browser.close()
        assert not elsewhere and not [text for text in complaints if "401" not in text], (elsewhere, complaints)
