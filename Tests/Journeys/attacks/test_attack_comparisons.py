"""Class 11, comparison timing: no early-ending comparison of secrets. A rule over the sources; time itself is not measured, it would show nothing reliable."""

import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[3] / "Sources"

# A comparison, and on one of its sides a name that stands for something secret, as the last part of an expression.
SECRET = r"\w*(?:secret|token|passphrase|password|mac|hmac|tag|signature|credential|recovery|recoverycode|challenge|key)(?:\.(?:bytes|utf8|rawRepresentation|hex))?"
SIDE = rf"(?:[\w.]+\.)?{SECRET}\b"
ALONE = SIDE + r"(?![.(\[])"
COMPARISON = re.compile(
    rf"{ALONE}\)*\s*[=!]=\s*(?P<right>[^\s,{{)]+)|(?P<left>[^\s({{,]+)\s*[=!]=\s*{ALONE}|{SIDE}\)?\.(?:elementsEqual|hasPrefix|hasSuffix)\(|elementsEqual\({SIDE}", re.I)
# Nothing, a number, a text in the program, a case of an enumeration: not a secret that somebody guesses.
PLAIN = re.compile(r'^(?:nil|-?\d\w*|".*|\.[a-z]\w*\)?[,:]?|[\w.]+\.count)$')

# Where it is right all the same, and why.
EXCEPTIONS = {
    "key == other.key": "SymmetricKey compares in constant time (swift-crypto)",
    "secret == Data(count: 32)": "SharedSecret compares in constant time (swift-crypto); the other side is zero",
    "slot.kind == .key": "an enumeration",
    "agreementKey == pair.publicKey": "public halves",
    "self.publicKey == publicKey": "public halves",
    "parsed.publicKey == signer.publicKey": "public halves",
    "owner.publicKey == certificates[0].publicKey": "public halves",
    "$0.key": "the name of a dictionary's entry",
    "$0.id == key &&": "the public name of an API key's slot",
}


def comparisons(text):
    """Lines with a comparison of something that is named like a secret."""
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        if not any(sign in code for sign in ("==", "!=", "elementsEqual", "hasPrefix", "hasSuffix")):
            continue
        for found in COMPARISON.finditer(code):
            other = found["right"] or found["left"] or "?"
            if not PLAIN.match(other) and not any(known in line for known in EXCEPTIONS):
                yield number, line.strip()


def test_the_rule_sees_what_it_shall_see():
    """The control: planted comparisons are found, plain ones are not."""
    for line in ("if token == expected {", "guard mac != other.mac else {", "return slot.key == key", "a.secret.bytes.elementsEqual(b)", "if given.utf8.elementsEqual(token.utf8) {",
                 "return expectedToken == token", "guard passphrase == stored.passphrase", "if setupToken.hasPrefix(given) {", "recoveryCode == given"):
        assert list(comparisons(line)), line
    for line in ("if token == nil {", "guard key.count == 32 else {", "// token == expected", "case .mac where tag == .final:", "refusal.code == .locked", "guard tokens == 5"):
        assert not list(comparisons(line)), line


def test_no_secret_is_compared_byte_by_byte():
    """Pass: no comparison with ==, elementsEqual or a prefix of anything that is named like a secret, but for the exceptions, each of which is still there."""
    found = [f"{path.relative_to(SOURCES)}:{number}: {line}" for path in sorted(SOURCES.rglob("*.swift")) for number, line in comparisons(path.read_text())]
    assert found == []
    text = "\n".join(path.read_text() for path in SOURCES.rglob("*.swift"))
    assert [known for known in EXCEPTIONS if known not in text] == []
    assert ".matches(" in text, "secrets are compared in constant time somewhere"
