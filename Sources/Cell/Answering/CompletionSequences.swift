import Inference

/// The engine's memories of a program's conversations.
///
/// A program sends its whole history each time, and may hold several conversations: a request goes on in the memory
/// whose prompt it begins with, so that only what is new is read.
struct CompletionSequences {
    /// *Our choice*: memories of a program; more requests at once each get one for themselves.
    static let limit = 8

    /// Where an answer is made, and what to give back.
    struct Lease {
        let sequence: SequenceID
        /// nil: it is closed afterwards.
        fileprivate let place: Int?
    }

    private struct Place {
        var sequence: EngineSequence?
        var prompt: [TokenID] = []
        var isBusy = false
        var lastUse = 0
    }

    private var places: [Place] = []
    private var uses = 0

    /// The memory for a prompt: the one that it goes on from, else a new one, else the one unused for longest.
    mutating func take(for prompt: [TokenID], of model: LoadedModel) -> Lease {
        uses += 1
        let idle = places.indices.filter { !places[$0].isBusy }
        let earlier = idle.filter { prompt.starts(with: places[$0].prompt) }
        var place = earlier.max { places[$0].prompt.count < places[$1].prompt.count }
        if place == nil, places.count < Self.limit {
            places.append(Place())
            place = places.count - 1
        }
        guard let place = place ?? idle.min(by: { places[$0].lastUse < places[$1].lastUse }) else {
            return Lease(sequence: model.engine.openSequence(), place: nil)
        }
        (places[place].isBusy, places[place].lastUse, places[place].prompt) = (true, uses, prompt)
        return Lease(sequence: places[place].sequence.id(in: model), place: place)
    }

    mutating func giveBack(_ lease: Lease, to model: LoadedModel) {
        if let place = lease.place { places[place].isBusy = false } else { model.engine.closeSequence(lease.sequence) }
    }

    func close() { for place in places { place.sequence?.close() } }
}
