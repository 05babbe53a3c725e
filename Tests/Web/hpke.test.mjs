import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { agreementPair, WEB } from "./keys.mjs";

const { fromHex, hex } = await import(new URL("bytes.js", WEB));
const { setupSender } = await import(new URL("hpke.js", WEB));
const shared = process.env.CLOISTER_SHARED ?? fileURLToPath(new URL("../../../shared", import.meta.url));
const path = `${shared}/vectors/hpke/rfc9180_x25519_sha256.json`;

test("the RFC 9180 base mode vectors of our suite come out byte for byte", { skip: !existsSync(path) && "needs ../shared" }, async () => {
    const all = JSON.parse(readFileSync(path));
    const ours = all.filter((v) => v.mode === 0 && v.kem_id === 0x20 && v.kdf_id === 1 && v.aead_id === 2);
    assert.equal(ours.length, 1);
    for (const vector of ours) {
        const ephemeral = await agreementPair(fromHex(vector.skEm), fromHex(vector.pkEm));
        const sender = await setupSender(fromHex(vector.pkRm), fromHex(vector.info), ephemeral);
        assert.equal(hex(sender.encapsulated), vector.enc);
        for (const { pt, aad, ct } of vector.encryptions) assert.equal(hex(await sender.seal(fromHex(pt), fromHex(aad))), ct);
        for (const { exporter_context: context, L, exported_value: value } of vector.exports) {
            assert.equal(hex(await sender.exported(fromHex(context), L)), value);
        }
    }
});

test("a low-order node key is refused", async () => {
    for (const point of ["00".repeat(32), "01" + "00".repeat(31)]) {
        await assert.rejects(setupSender(fromHex(point), new Uint8Array()));
    }
});
