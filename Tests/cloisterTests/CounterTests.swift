import Testing

@testable import cloister

struct CounterTests {
    private func counter(_ text: String) -> Counter? { Counter(Array(text.utf8)[...]) }

    @Test(arguments: [
        ("GET / HTTP/1.1", Counter.page), ("GET /v1/models HTTP/1.1", .endpoints), ("POST /chat HTTP/1.1", .endpoints),
        ("GET /chat?x", .endpoints), ("GET /history/s", .endpoints), ("GET /health\r", .endpoints),
        ("POST /api/chat HTTP/1.1", .endpoints), ("DELETE /api/delete", .endpoints), ("GET /apis/", .page),
        ("GET /v10/", .page), ("GET /V1/", .page), ("GET //v1/", .page), ("GET /cloister/v1/node", .page),
        ("GET http://localhost/v1/models", .page), ("GET /%761/models", .page), ("\r\n", .page),
        ("\n", .page), (" /v1/", .endpoints), ("PRI * HTTP/2.0", .page), ("\u{16}\u{3}\u{1} /x ", .page),
    ])
    func `the first part of the path decides`(text: String, expected: Counter) { #expect(counter(text) == expected) }

    @Test(arguments: ["", "G", "GET", "GET ", "GET /", "GET /v", "GET /v1", "GET /health", "\0\0\0"])
    func `too little decides nothing`(text: String) { #expect(counter(text) == nil) }

    @Test func `what never decides goes to the page after a few bytes`() {
        for byte in UInt8.min...UInt8.max {
            #expect(Counter([UInt8](repeating: byte, count: 64)[...]) != nil)
            #expect(Counter((Array("GET /".utf8) + [UInt8](repeating: byte, count: 59))[...]) != nil)
        }
    }
}
