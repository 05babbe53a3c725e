import Foundation
import SwiftASN1
import Testing
import X509

@testable import Certificates

struct LocalAuthorityTests {
    private let now = Date()
    private let names = [ServerName.name("cloister.example"), .address([192, 0, 2, 10])]

    private func chain(_ certificate: ServerCertificate) throws -> [[UInt8]] {
        try ServerCertificate.parse(certificate.chain).map { try $0.der() }
    }

    private func isAccepted(_ chain: [[UInt8]], by authority: LocalAuthority, for name: ServerName) async throws -> Bool
    {
        let byFile = try await TrustedAuthority(certificates: authority.certificate).accepts(chain, for: name)
        let byFingerprint = await TrustedAuthority(authority.fingerprint).accepts(chain, for: name)
        #expect(byFile == byFingerprint)
        return byFile
    }

    @Test func `what it issues stands for exactly the host list`() async throws {
        let authority = try LocalAuthority.make(for: names, now: now)
        let chain = try chain(try authority.issue(for: names, now: now))
        for name in names { #expect(try await isAccepted(chain, by: authority, for: name)) }
        for other in ["other.example", "www.cloister.example", "example", "192.0.2.11", "2001:db8::1"] {
            #expect(try await !isAccepted(chain, by: authority, for: try ServerName(other)))
        }
    }

    @Test func `another authority is not it, whatever it says of itself`() async throws {
        let (authority, other) = (
            try LocalAuthority.make(for: names, now: now), try LocalAuthority.make(for: names, now: now)
        )
        let foreign = try chain(try other.issue(for: names, now: now))
        #expect(try await !isAccepted(foreign, by: authority, for: names[0]))
        // With the true authority laid beside it.
        let mixed = [foreign[0], try authority.parsed.der()]
        #expect(try await !isAccepted(mixed, by: authority, for: names[0]))
        #expect(try await !isAccepted([], by: authority, for: names[0]))
        #expect(try await !isAccepted([[1, 2, 3]], by: authority, for: names[0]))
    }

    @Test(arguments: [
        (["cloister.example"], "bank.example"), (["cloister.example"], "192.0.2.66"), (["192.0.2.10"], "192.0.2.66"),
        (["192.0.2.10"], "bank.example"), (["192.0.2.10"], "2001:db8::1"),
    ])
    func `a stolen authority vouches for nothing else`(own: [String], other: String) async throws {
        let authority = try LocalAuthority.make(for: try own.map { try ServerName($0) }, now: now)
        let forged = try chain(try authority.issue(for: [try ServerName(other)], now: now))
        #expect(try await !isAccepted(forged, by: authority, for: try ServerName(other)))
        let honest = try chain(try authority.issue(for: [try ServerName(own[0])], now: now))
        #expect(try await isAccepted(honest, by: authority, for: try ServerName(own[0])), "the control")
    }

    @Test func `it is read again, and only with its own key`() throws {
        let authority = try LocalAuthority.make(for: names, now: now)
        let again = try LocalAuthority(certificate: authority.certificate, key: authority.key)
        #expect(again.fingerprint == authority.fingerprint)
        let other = try LocalAuthority.make(for: names, now: now)
        #expect(throws: CertificateError.mismatch) {
            try LocalAuthority(certificate: authority.certificate, key: other.key)
        }
        #expect(throws: CertificateError.unreadableKey) {
            try LocalAuthority(certificate: authority.certificate, key: "-----BEGIN PRIVATE KEY-----")
        }
        #expect(throws: CertificateError.unreadableCertificate) {
            try LocalAuthority(certificate: "", key: authority.key)
        }
    }

    @Test func `a certificate serves until its names change or thirty days are left`() throws {
        let authority = try LocalAuthority.make(for: names, now: now)
        let made = try authority.issue(for: names, now: now)
        let day = 86_400.0
        #expect(made.end.timeIntervalSince(now) <= 398 * day)
        #expect(authority.isCurrent(made, for: names, now: now))
        #expect(authority.isCurrent(made, for: names.reversed(), now: made.end - 31 * day))
        #expect(!authority.isCurrent(made, for: names, now: made.end - 29 * day))
        #expect(!authority.isCurrent(made, for: [names[0]], now: now))
        #expect(!authority.isCurrent(made, for: names + [.name("new.example")], now: now))
        let other = try LocalAuthority.make(for: names, now: now)
        #expect(!other.isCurrent(made, for: names, now: now))
    }

    @Test func `it covers its own names only, and not near its end`() throws {
        let authority = try LocalAuthority.make(for: names, now: now)
        #expect(authority.covers(names, now: now))
        #expect(authority.covers([names[1]], now: now))
        #expect(authority.covers([.name("a.cloister.example")], now: now))
        #expect(!authority.covers([.name("acloister.example")], now: now))
        #expect(!authority.covers([.address([192, 0, 2, 11])], now: now))
        #expect(!authority.covers(names, now: now + 3_640 * 86_400))
    }
}
