import Cryptography
import Testing

@testable import References

@testable import Courier

/// What a person agrees to, and that nothing is asked yet.
struct ConsentTests {
    private let question = Masked(maskedBytes: Array("What helps ‹person 1› sleep?".utf8))

    private func consent(until: UInt64 = 200, to origin: String = "https://service.example") throws -> Consent {
        Consent(
            .ask, question, to: try Origin(origin), from: 100, until: until, nonce: [UInt8](repeating: 7, count: 16))
    }

    @Test func `a consent covers its question, its time and its signer`() throws {
        let key = try SigningKey(seed: .random())
        let signed = try SignedConsent(consent(), signedBy: key)
        #expect(
            signed.covers(question, of: key.publicKey, now: 100) && signed.covers(question, of: key.publicKey, now: 199)
        )
        #expect(
            !signed.covers(question, of: key.publicKey, now: 99)
                && !signed.covers(question, of: key.publicKey, now: 200))
        #expect(!signed.covers(Masked(maskedBytes: [1]), of: key.publicKey, now: 150))
        #expect(!signed.covers(question, of: try SigningKey(seed: .random()).publicKey, now: 150))
    }

    @Test func `the signed bytes are those of the document`() throws {
        let bytes = try consent().bytes
        let expected =
            Array("cloister courier consent".utf8) + [1, 1, 0, 23] + Array("https://service.example".utf8) + [0, 0]
            + sha256(question.bytes) + [0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 200]
            + [UInt8](repeating: 7, count: 16)
        #expect(bytes == expected)
        #expect(try consent(until: 201).bytes != bytes && consent(to: "https://other.example").bytes != bytes)
    }

    @Test func `nobody is asked`() async throws {
        let courier = try Courier(CourierConfiguration(registries: [], isAirGapped: false))
        let signed = try SignedConsent(consent(), signedBy: SigningKey(seed: .random()))
        await #expect(throws: CourierError.notConfigured("a service outside")) {
            try await courier.ask(question, signed)
        }
        await #expect(throws: CourierError.notConfigured("a server in your own network")) {
            try await courier.askInside(question, signed)
        }
    }
}
