import Testing

@testable import Inference

struct StopMatcherTests {
    private func show(_ pieces: [String], stops: [String]) -> (text: String, stopped: Bool) {
        var matcher = StopMatcher(stops)
        var text = ""
        for piece in pieces {
            let (shown, stopped) = matcher.append(piece)
            text += shown
            if stopped { return (text, true) }
        }
        return (text + matcher.finish(), false)
    }

    @Test func `a stop string is found however the text is cut`() {
        let text = "one two STOP three"
        for first in 0...text.count {
            for second in first...text.count {
                let characters = Array(text)
                let pieces = [characters[..<first], characters[first..<second], characters[second...]].map {
                    String($0)
                }
                #expect(show(pieces, stops: ["STOP"]) == ("one two ", true))
            }
        }
    }

    @Test func `the earliest of several ends the text, and a beginning that comes to nothing is shown`() {
        #expect(show(["a", "b", "c"], stops: ["c", "bc"]) == ("a", true))
        #expect(show(["ST", "O", "NE"], stops: ["STOP"]) == ("STONE", false))
        #expect(show(["aaa", "ab"], stops: ["aab"]) == ("aa", true))
        #expect(show(["STO"], stops: ["STOP"]) == ("STO", false))
        #expect(show(["x"], stops: [""]) == ("x", false))
    }

    @Test func `characters of several bytes stay whole`() {
        var matcher = StopMatcher(["é!"])
        #expect(matcher.append("caf") == ("caf", false))
        #expect(matcher.append("é") == ("", false))
        #expect(matcher.append("è") == ("éè", false))
    }
}
