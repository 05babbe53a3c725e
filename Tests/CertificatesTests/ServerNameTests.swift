import Testing

@testable import Certificates

struct ServerNameTests {
    @Test(arguments: [
        ("cloister.example", "cloister.example"), ("Cloister.Example", "cloister.example"), ("host", "host"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("192.0.2.10", "192.0.2.10"),
        ("2001:DB8::1", "2001:db8::1"),
    ])
    func `names and addresses are read`(text: String, written: String) throws {
        #expect(try ServerName(text).description == written)
    }

    @Test(arguments: [
        "", ".", "*", "*.example", "a b", "a..b", "-a", "a-", "a_b", "bücher.example", "a.example.", "a:80", "0.0.0.0",
        "::",
        "1.2.3", "1.2.3.4.5", "http://a", "a/b", "[::1]", "a\n", "a\u{0}", String(repeating: "a", count: 64),
        Array(repeating: "abcdefg", count: 40).joined(separator: "."),
    ])
    func `what is neither is refused`(text: String) {
        #expect(throws: CertificateError.badName(text)) { try ServerName(text) }
    }

    @Test func `a port stands after it unless it is the scheme's own`() throws {
        #expect(try ServerName("a.example").authority(port: 8443) == "a.example:8443")
        #expect(try ServerName("a.example").authority(port: 443) == "a.example")
        #expect(try ServerName("::1").authority(port: 8443) == "[::1]:8443")
    }

    @Test func `this machine is known by its addresses and its name`() throws {
        for text in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] { #expect(try ServerName(text).isLoopback) }
        for text in ["localhost.example", "128.0.0.1", "::2", "192.168.0.1"] {
            #expect(try !ServerName(text).isLoopback)
        }
    }

    @Test func `a fingerprint is read as it is printed, and without colons`() throws {
        let fingerprint = Fingerprint(of: [1, 2, 3])
        #expect(fingerprint.description.count == 95)
        #expect(try Fingerprint(fingerprint.description) == fingerprint)
        #expect(try Fingerprint(fingerprint.description.filter { $0 != ":" }.lowercased()) == fingerprint)
        for text in ["", "AB", fingerprint.description + "00", String(repeating: "+1", count: 32)] {
            #expect(throws: CertificateError.badFingerprint) { try Fingerprint(text) }
        }
    }
}
