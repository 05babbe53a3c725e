"""The page over TLS, in a real Chromium that goes by the server's name."""

import base64
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from playwright.sync_api import Error, sync_playwright

import conftest
from beyond import ADDRESS, NAME, Beyond
from page_fixtures import CHROMIUM, Person

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif("CLOISTER_BINARY" not in os.environ, reason="CLOISTER_BINARY is unset: no binary to run")


@pytest.fixture
def beyond():
    home = conftest.Home()
    try:
        yield Beyond(home).start()
    finally:
        home.close()


@pytest.mark.skipif(not shutil.which("certutil"), reason="not shown: certutil (libnss3-tools) is not here")
def test_a_browser_trusts_the_authority_as_the_page_of_instructions_says(beyond):
    """With the line for Chromium on Linux the page loads by the server's name without a word; without it, and at another name, it does not."""
    home, authority = beyond.home.root / "browser", Path(beyond.authority)
    (home / ".pki/nssdb").mkdir(parents=True)
    instruction = re.search(r"`(certutil -d sql:.*? -i authority.pem)`", (ROOT / "docs/beyond-loopback.md").read_text())[1]
    environment = os.environ | {"HOME": str(home)}

    def title(name):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, env=environment, args=["--no-sandbox", f"--host-resolver-rules=MAP * {ADDRESS}"])
            page = browser.new_context().new_page()
            try:
                page.goto(f"https://{name}:{beyond.port}/")
                return page.title()
            except Error as error:
                return error.message
            finally:
                browser.close()

    subprocess.run(["certutil", "-d", f"sql:{home}/.pki/nssdb", "-N", "--empty-password"], check=True, stdin=subprocess.DEVNULL, timeout=60)
    assert "ERR_CERT_AUTHORITY_INVALID" in title(NAME), "the control: nobody trusts it yet"
    subprocess.run(["bash", "-c", instruction], cwd=authority.parent, env=environment, check=True, stdin=subprocess.DEVNULL, timeout=60)
    assert title(NAME) == "Cloister"
    assert "ERR_CERT" in title("other.test")


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
