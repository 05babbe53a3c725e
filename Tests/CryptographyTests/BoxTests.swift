import Testing

@testable import Cryptography

struct BoxTests {
    private var key: Secret { Secret([UInt8](repeating: 7, count: 32)) }
    private let context = BoxContext("record", [1, 2, 3])

    @Test func `a box opens under its key and context and under no other`() throws {
        let box = try Box.seal([1, 2, 3], key: key, context: context)
        #expect(box.count == 3 + Box.overhead)
        #expect(try Box.open(box, key: key, context: context) == [1, 2, 3])
        #expect(throws: CryptographyError.unauthentic) {
            try Box.open(box, key: self.key, context: BoxContext("record", [1, 2, 4]))
        }
        #expect(throws: CryptographyError.unauthentic) {
            try Box.open(box, key: Secret([UInt8](repeating: 8, count: 32)), context: self.context)
        }
    }

    @Test func `every changed bit and every truncation of a box is refused`() throws {
        let box = try Box.seal([9, 9], key: key, context: context)
        for bit in 0..<box.count * 8 {
            var changed = box
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: CryptographyError.self) { try Box.open(changed, key: self.key, context: self.context) }
        }
        for count in 0..<box.count {
            #expect(throws: CryptographyError.self) {
                try Box.open(Array(box.prefix(count)), key: self.key, context: self.context)
            }
        }
    }

    @Test func `the same content never gives the same box`() throws {
        #expect(try Box.seal([1], key: key, context: context) != Box.seal([1], key: key, context: context))
    }
}

struct PaddingTests {
    @Test(arguments: [0, 1, 59, 60, 61, 255, 256, 10_000])
    func `padding comes off again and hides the length`(count: Int) throws {
        let content = [UInt8](repeating: 5, count: count)
        for padding in [Padding.multiple(of: 64), .padme(atLeast: 256)] {
            #expect(try Padding.unpad(padding.pad(content)) == content)
        }
        #expect(Padding.multiple(of: 64).pad(content).count.isMultiple(of: 64))
        #expect(Padding.padme(atLeast: 256).pad(content).count <= max(256, (count + 4) * 112 / 100 + 1))
    }

    @Test func `padding that is not zero and lengths beyond the end are refused`() {
        #expect(throws: CryptographyError.malformed) { try Padding.unpad([0, 0, 0, 1, 7, 1]) }
        #expect(throws: CryptographyError.malformed) { try Padding.unpad([0xFF, 0xFF, 0xFF, 0xFF, 7, 1]) }
        #expect(throws: CryptographyError.malformed) { try Padding.unpad([0, 0]) }
    }
}

struct EncodingTests {
    @Test func `base64url is read in its canonical unpadded form only`() {
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
        #expect(Base64URL.decode("-_8") == [0xFB, 0xFF])
        for text in ["-_9", "-_8=", "+/8", "-", "-_8\n"] { #expect(Base64URL.decode(text) == nil, "\(text)") }
    }

    @Test func `identifiers are exactly 32 lower-case hexadecimal characters`() {
        let identifier = Identifier<Never>()
        #expect(Identifier<Never>(hex: identifier.hex) == identifier)
        for text in ["", "../../etc/passwd", identifier.hex.uppercased() + "F", String(identifier.hex.dropLast())] {
            #expect(Identifier<Never>(hex: text) == nil)
        }
    }
}
