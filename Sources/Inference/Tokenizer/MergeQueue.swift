import HeapModule

/// Merges neighbouring symbols, best pair first, leftmost among equals, in O(n log n).
///
/// Byte-pair encoding and SentencePiece differ only in what a symbol is and how good a pair is.
struct MergeQueue<Symbol> {
    private struct Node {
        var symbol: Symbol?
        var previous: Int
        var next: Int
    }

    private struct Candidate: Comparable {
        let score: Float
        let left: Int
        let right: Int
        let stamp: (Int, Int)

        static func < (a: Candidate, b: Candidate) -> Bool {
            a.score != b.score ? a.score < b.score : a.left > b.left
        }
        static func == (a: Candidate, b: Candidate) -> Bool { a.score == b.score && a.left == b.left }
    }

    private var nodes: [Node]
    /// How often a node has changed: an entry of the heap with an older stamp is stale.
    private var stamps: [Int]
    private var heap = Heap<Candidate>()

    init(_ symbols: [Symbol]) {
        nodes = symbols.indices.map { Node(symbol: symbols[$0], previous: $0 - 1, next: $0 + 1) }
        stamps = [Int](repeating: 0, count: symbols.count)
    }

    /// - Parameters:
    ///   - score: how good a pair is, larger first; nil if it does not merge.
    ///   - join: the symbol that a pair becomes.
    mutating func merged(score: (Symbol, Symbol) -> Float?, join: (Symbol, Symbol) -> Symbol) -> [Symbol] {
        for index in nodes.indices.dropLast() { propose(index, index + 1, score) }
        while let best = heap.popMax() {
            guard stamps[best.left] == best.stamp.0, stamps[best.right] == best.stamp.1,
                let left = nodes[best.left].symbol, let right = nodes[best.right].symbol
            else { continue }
            nodes[best.left].symbol = join(left, right)
            nodes[best.right].symbol = nil
            stamps[best.left] += 1
            stamps[best.right] += 1
            let next = nodes[best.right].next
            nodes[best.left].next = next
            if next < nodes.count { nodes[next].previous = best.left }
            propose(nodes[best.left].previous, best.left, score)
            propose(best.left, next, score)
        }
        return nodes.compactMap(\.symbol)
    }

    private mutating func propose(_ left: Int, _ right: Int, _ score: (Symbol, Symbol) -> Float?) {
        guard left >= 0, right < nodes.count, let a = nodes[left].symbol, let b = nodes[right].symbol,
            let value = score(a, b)
        else { return }
        heap.insert(Candidate(score: value, left: left, right: right, stamp: (stamps[left], stamps[right])))
    }
}
