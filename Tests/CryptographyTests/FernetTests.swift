import Foundation
import TestSupport
import Testing

@testable import Cryptography

private struct FernetCase: Decodable {
    let token: String
    let secret: String
    let src: String?
    let desc: String?
    let iv: [UInt8]?
    let now: String
    let ttl_sec: UInt64?

    var seconds: UInt64 {
        get throws {
            let date = try Date(now, strategy: .iso8601)
            return UInt64(date.timeIntervalSince1970)
        }
    }
}

@Suite(.enabled(if: Shared.isPresent, "needs ../shared")) struct FernetTests {
    private func cases(_ name: String) throws -> [FernetCase] {
        try JSONDecoder().decode([FernetCase].self, from: Shared.data("vectors/fernet/\(name).json"))
    }

    @Test func `the published generation vectors come out byte for byte`() throws {
        for example in try cases("generate") {
            let fernet = try Fernet(key: example.secret)
            let token = try fernet.seal(
                Array((example.src ?? "").utf8), time: example.seconds, iv: example.iv ?? [])
            #expect(token == example.token)
        }
    }

    @Test func `the published tokens open`() throws {
        for example in try cases("verify") {
            let fernet = try Fernet(key: example.secret)
            let text = try fernet.open(example.token, timeToLive: example.ttl_sec, now: example.seconds)
            #expect(String(decoding: text, as: UTF8.self) == example.src)
        }
    }

    @Test func `every published invalid token is refused with one error`() throws {
        let invalid = try cases("invalid")
        #expect(invalid.count == 8)
        for example in invalid {
            let fernet = try Fernet(key: example.secret)
            let now = try example.seconds
            #expect(throws: CryptographyError.unauthentic, "\(example.desc ?? "")") {
                try fernet.open(example.token, timeToLive: example.ttl_sec, now: now)
            }
        }
    }
}
