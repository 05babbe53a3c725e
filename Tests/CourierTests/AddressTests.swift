import Testing

@testable import References

@testable import Courier

/// What an address is for, and that there is one notation for each.
struct AddressTests {
    private static let classes: [(AddressClass, [String])] = [
        (
            .open,
            [
                "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
                "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
                "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
                "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
                "2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::1", "3fff:1000::",
                "3fff:ffff::1", "64:ff9b::808:808",
            ]
        ),
        (.loopback, ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"]),
        (
            .inside,
            [
                "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "172.16.0.0", "172.31.255.255",
                "192.168.0.0", "192.168.255.255", "fc00::", "fdff::1", "fec0::1",
            ]
        ),
        (.linkLocal, ["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "febf:ffff::1"]),
        (.metadata, ["fd00:ec2::254", "fd20:ce::254", "100.100.100.200"]),
        (.unspecified, ["0.0.0.0", "0.255.255.255", "::"]),
        (.multicast, ["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "ffff::"]),
        (
            .embedded,
            [
                "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::2", "::ffff:0:8.8.8.8", "64:ff9b::127.0.0.1",
                "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2001::1", "2001:0:ffff::", "2002::", "2002:7f00:1::",
            ]
        ),
        (
            .reserved,
            [
                "192.0.0.0", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.0", "198.19.255.255", "198.51.100.1",
                "203.0.113.1", "240.0.0.0", "255.255.255.255", "100::", "1fff::", "2001:2::", "2001:10::", "2001:1ff::",
                "2001:db8::1", "3fff::1", "3fff:fff::", "4000::", "5f00::", "64:ff9c::",
            ]
        ),
    ]

    @Test(arguments: classes.flatMap { kind, texts in texts.map { ($0, kind) } })
    func `every address has the class of its range, to the edge`(text: String, kind: AddressClass) throws {
        #expect(try #require(NetworkAddress(text)).kind == kind)
    }

    @Test func `only public, private and loopback addresses may be named`() {
        #expect(AddressClass.allCases.filter(\.mayBeNamed) == [.open, .loopback, .inside])
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.04", "0177.0.0.1", "0x7f.0.0.1",
        "256.1.1.1", "1.2.3.1000", "+1.2.3.4", "1.2.3.-4", " 1.2.3.4", "1.2.3.4 ", "１.2.3.4", "127.1", "2130706433",
        "0x7f000001", ":", ":::", "1::2::3", "::1%lo", "[::1]", "::12345", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "::1\n",
        "::ffff:0177.0.0.1", "fe80::1%25eth0",
    ])
    func `other notations are no addresses`(text: String) { #expect(NetworkAddress(text) == nil) }

    @Test(arguments: [
        ("https://Models.Example", "https://models.example"), ("HTTPS://models.example:443", "https://models.example"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"), ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://[2003:0:0::1]:8443", "https://[2003::1]:8443"), ("https://a-b.c1.example", "https://a-b.c1.example"),
        ("https://localhost", "https://localhost"),
    ])
    func `origins have one form`(text: String, form: String) throws {
        #expect(try Origin(text).description == form)
        #expect(try Origin(Origin(text).description) == Origin(text))
    }

    @Test(arguments: [
        "models.example", "ftp://a.example", "file:///x", "https:/a.example", "https://", "https://:443",
        "https://a.example:", "https://a.example:0", "https://a.example:65536", "https://a.example:+1",
        "https://a.example:08",
        "https://a.example/", "https://a.example/x", "https://u@a.example", "https://u:p@a.example",
        "https://a..example",
        "https://a.example.", "https://-a.example", "https://a-.example", "https://a_b.example", "https://a b.example",
        "https://0x7f.1", "https://127.1", "https://2130706433", "https://a.0x1", "https://a.1", "https://[::1",
        "https://[::1]x", "https://[127.0.0.1]", "https://::1", "https://[::1%25lo]", "https://ⓐ.example",
        "https://\u{212A}.example", "https://a\\.example", "https://a%2eexample", "https://a.example?x",
        "https://a.example#x",
    ])
    func `other origins are refused`(text: String) { #expect(throws: CourierError.self) { try Origin(text) } }
}
