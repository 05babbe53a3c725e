import Foundation
import Testing

@testable import Certificates

struct ServerCertificateTests {
    private let now = Date()
    private let names = [ServerName.name("cloister.example"), .address([192, 0, 2, 10])]

    private func made() throws -> ServerCertificate {
        try LocalAuthority.make(for: names, now: now).issue(for: names, now: now)
    }

    @Test func `a certificate, its key and its names belong together`() throws {
        let made = try made()
        try ServerCertificate(chain: made.chain, key: made.key).check(for: names, now: now)
        let other = try self.made()
        #expect(throws: CertificateError.mismatch) { try ServerCertificate(chain: made.chain, key: other.key) }
        #expect(throws: CertificateError.unreadableKey) { try ServerCertificate(chain: made.chain, key: made.chain) }
        #expect(throws: CertificateError.unreadableCertificate) { try ServerCertificate(chain: "", key: made.key) }
        let lacking = [ServerName.name("other.example"), .address([192, 0, 2, 11])]
        #expect(throws: CertificateError.lacks(lacking)) { try made.check(for: names + lacking, now: now) }
    }

    @Test func `one that has ended or not begun is refused`() throws {
        let made = try made()
        #expect(throws: CertificateError.expired(made.end)) { try made.check(for: names, now: made.end) }
        #expect {
            try made.check(for: names, now: now - 7_200)
        } throws: { error in
            if case CertificateError.notYetValid = error { true } else { false }
        }
    }
}
