import NIOHTTP1
import Testing

@testable import Courier
@testable import References

/// Addresses and promises that a registry sends, read by hand.
struct WebAddressTests {
    private let here: Origin

    init() throws { here = try Origin("https://models.example") }

    @Test(arguments: [
        ("/x", "https://models.example/x"),
        ("/a%2Fb?s=1%2B2~+&t=/../", "https://models.example/a%2Fb?s=1%2B2~+&t=/../"),
        ("https://cdn.example", "https://cdn.example/"), ("https://cdn.example?x=1", "https://cdn.example/?x=1"),
        ("HTTPS://CDN.example:443/A", "https://cdn.example/A"), ("http://[::1]:1/x@y", "http://[::1]:1/x@y"),
        ("https://cdn.example/a:b//c;d=('e')!$&*,[]", "https://cdn.example/a:b//c;d=('e')!$&*,[]"),
    ])
    func `redirects are read`(location: String, whole: String) throws {
        #expect(try WebAddress(redirect: location, from: here).description == whole)
    }

    @Test(arguments: [
        "", "x", "x/y", "?x", "//cdn.example/x", "/a b", "/a\\b", "/a#b", "/a%", "/a%zz", "/a\u{7f}", "/ä",
        "/a\r\nX: y", "/a\"",
        "https://a.example\\@127.0.0.1/", "https://a.example\\.b.example/", "https://a@127.0.0.1/",
        "https://127.0.0.1#@a.example/", "https://a.example\t/", "javascript:alert(1)", "data:,x", "https:///x",
        "https://a.example:80:80/", "/" + String(repeating: "x", count: 9_000),
    ])
    func `what two parsers could read differently is refused`(location: String) {
        #expect(throws: CourierError.self) { try WebAddress(redirect: location, from: here) }
    }

    @Test func `digests, validators, counts and ranges have one form`() {
        let digest = String(repeating: "a1", count: 32)
        for text in [digest, "\"\(digest)\"", "sha256:\(digest)", "\"sha256:\(digest)\""] {
            #expect(Promise.digest(text) == digest)
        }
        for text in [
            "", "\"", "\"\"", digest.uppercased(), "W/\"\(digest)\"", digest + "a", "md5:\(digest)", "\"\(digest)",
        ] {
            #expect(Promise.digest(text) == nil)
        }
        #expect(Promise.validator("\"x-1\"") == "\"x-1\"")
        for text in [
            "", "x", "\"", "\"\"", "W/\"x\"", "\"a\"b\"", "\"a\r\nb\"", "\"ä\"",
            "\"" + String(repeating: "x", count: 300) + "\"",
        ] {
            #expect(Promise.validator(text) == nil)
        }
        for text in ["", "-1", "+1", "1e3", " 1", "٣", String(repeating: "9", count: 19)] {
            #expect(Promise.count(text) == nil)
        }
        #expect(Promise.range("bytes 5-9/10").map { [$0.first, $0.last, $0.all] } == [5, 9, 10])
        for text in [
            "bytes 5-9/*", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "5-9/10", "bytes 5-9", "bytes -9/10",
            "bytes 1-2-3/9", "bytes 1-2/9/9",
        ] {
            #expect(Promise.range(text) == nil)
        }
    }

    @Test func `a field that says two things says nothing`() {
        let headers: HTTPHeaders = ["x-linked-size": "5", "X-Linked-Size": "6"]
        #expect(throws: CourierError.refusedAnswer(here, .promise)) { try headers.single("x-linked-size", of: here) }
        #expect(throws: CourierError.refusedAnswer(here, .promise)) { try Hub.head(headers, 200, here) }
    }
}
