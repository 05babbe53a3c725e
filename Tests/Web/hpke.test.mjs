// HPKE against RFC 9180. The suite of the channel (0x0020, 0x0001, 0x0002) stands in the RFC's test vectors, not in its appendix.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, web } from "./web.mjs";

const { setupSender } = await web("hpke.js");
const { fromHex, hex } = await web("bytes.js");
const { subtle } = globalThis.crypto;

async function pair(publicKey, privateKey) {
    const pkcs8 = fromHex(`302e020100300506032b656e04220420${privateKey}`);
    return {
        publicKey: await subtle.importKey("raw", fromHex(publicKey), { name: "X25519" }, true, []),
        privateKey: await subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, false, ["deriveBits"]),
    };
}

// Mode 0, KEM 32, KDF 1, AEAD 2 of the test vectors published with RFC 9180, shortened to its first message and export.
const PUBLISHED = {
    info: "4f6465206f6e2061204772656369616e2055726e",
    skEm: "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
    pkEm: "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
    pkRm: "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
    enc: "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
    aad: "436f756e742d30",
    pt: "4265617574792069732074727574682c20747275746820626561757479",
    ct: "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
};

test("the published message is sealed as published", async () => {
    const sender = await setupSender(fromHex(PUBLISHED.pkRm), fromHex(PUBLISHED.info), await pair(PUBLISHED.pkEm, PUBLISHED.skEm));
    assert.equal(hex(sender.encapsulated), PUBLISHED.enc);
    assert.equal(hex(await sender.seal(fromHex(PUBLISHED.pt), fromHex(PUBLISHED.aad))), PUBLISHED.ct);
});

const all = shared("vectors/hpke/rfc9180_x25519_sha256.json");
const ours = all?.filter((vector) => vector.mode === 0 && vector.aead_id === 2) ?? [];

test("the published vectors of the channel's suite are met", { skip: all ? false : "../shared is absent" }, async () => {
    assert.ok(ours.length > 0);
    for (const vector of ours) {
        const sender = await setupSender(fromHex(vector.pkRm), fromHex(vector.info), await pair(vector.pkEm, vector.skEm));
        assert.equal(hex(sender.encapsulated), vector.enc);
        for (const { aad, pt, ct } of vector.encryptions) assert.equal(hex(await sender.seal(fromHex(pt), fromHex(aad))), ct);
        for (const { exporter_context, L, exported_value } of vector.exports) {
            assert.equal(hex(await sender.exported(fromHex(exporter_context), L)), exported_value);
        }
    }
});

test("low-order keys are refused", async () => {
    // The points of order 1, 2, 4 and 8 (RFC 7748 §7; cr.yp.to/ecdh.html).
    const points = ["00".repeat(32), "01" + "00".repeat(31), "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"];
    for (const point of points) await assert.rejects(setupSender(fromHex(point), new Uint8Array()), point);
});
