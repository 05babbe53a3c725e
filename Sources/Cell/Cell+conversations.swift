import Channel
import Cryptography
import Foundation
import Inference
import Vault

extension Cell {
    func list() async throws -> Replies.Conversations {
        var summaries = conversations.filter { !$0.value.kept }.map { id, open in
            summary(id, open.transcript.head, kept: false)
        }
        let all = try await around.store.conversations(account: account.id, scope: visibleScope)
        try refuseWhileRekeying()
        for stored in all {
            // One that does not open must not hide the others; reading it says why.
            let head = try? ConversationHead(opening: stored.head, key: key(of: stored))
            summaries.append(head.map { summary(stored.id, $0, kept: true) } ?? .damaged(stored.id))
        }
        return Replies.Conversations(conversations: summaries.sorted { $0.updated > $1.updated })
    }

    /// A new conversation; with turns, all of it is on disk and synced when this returns, or none.
    func create(
        title: String = "", label: String? = nil, offRecord: Bool, turns: [Turn] = []
    ) async throws -> ConversationID {
        try refuseWhileRekeying()
        let id = ConversationID()
        let keyring = keyring()
        let (key, wrapped) = try keyring.makeConversationKey(account: account.id, conversation: id)
        var change = try Transcript.begin(key: key, title: title, label: label, time: around.clock())
        var records: [SealedRecord] = []
        for turn in turns {
            change = try change.transcript.appending(turn)
            if let record = change.record { records.append(record) }
        }
        if !offRecord {
            try await around.store.insert(
                StoredConversation(id: id, scope: keyring.scope, wrappedKey: wrapped, head: change.head),
                account: account.id, records: records)
            if let last = records.last { lastRecord = (id, last) }
        }
        conversations[id] = Conversation(transcript: change.transcript, kept: !offRecord)
        return id
    }

    func read(_ id: ConversationID) async throws -> Replies.Conversation {
        let open = try await open(id)
        return Replies.Conversation(
            title: open.transcript.head.title, kept: open.kept,
            arrangement: open.transcript.head.arrangement ?? Arrangement(),
            manner: open.transcript.head.manner ?? Manner(), turns: open.transcript.turns.map(Replies.Turn.init))
    }

    func change(_ id: ConversationID, _ request: Requests.Change) async throws {
        if let title = request.title {
            guard (1...Transcript.titleLimit).contains(title.count) else { throw Malformed() }
        }
        try request.arrangement?.validate()
        try request.manner?.validate()
        try await keep(in: id) {
            try $0.changing(title: request.title, arrangement: request.arrangement, manner: request.manner)
        }
    }

    func delete(_ id: ConversationID) async throws -> Replies.Deleted {
        try refuseWhileRekeying()
        let conversation = try await openUnlessDamaged(id)
        guard conversation?.isBusy != true else {
            throw Refusal(.busy, "An answer is still being written. Stop it first.")
        }
        forget(id)
        let isKept = conversation?.kept ?? true
        var (records, truncated) = (conversation?.transcript.turns.count ?? 0, true)
        if isKept { (records, truncated) = try await around.store.delete(id, account: account.id) }
        let note =
            isKept
            ? "The key and every record were deleted. Copies of the data directory made before today still hold the wrapped key."
            : "This conversation was never written to disk."
        return Replies.Deleted(
            receipt: .init(
                id: id.hex, records: records, keyDestroyed: true, logTruncated: truncated, time: around.clock(),
                note: note))
    }

    func importConversation(_ request: Requests.Import) async throws -> Replies.Imported {
        let turns = try request.turns.map { turn in
            guard let role = Turn.Role(rawValue: turn.role) else { throw Malformed() }
            return Turn(role: role, text: turn.text, time: turn.time ?? around.clock())
        }
        let id = try await create(title: request.title, offRecord: false, turns: turns)
        return Replies.Imported(id: id.hex)
    }

    func stop(_ id: ConversationID) -> Replies.Stopped {
        guard conversations[id]?.isBusy == true else { return Replies.Stopped(stopped: false) }
        conversations[id]?.isStopWanted = true
        conversations[id]?.stop?()
        return Replies.Stopped(stopped: true)
    }

    /// The conversation that a program knows by this label, or nil.
    ///
    /// Bytes are compared: `é` in two spellings is two labels.
    func find(label: String) async throws -> ConversationID? {
        for stored in try await around.store.conversations(account: account.id, scope: visibleScope) {
            let head = try ConversationHead(opening: stored.head, key: try key(of: stored))
            if let found = head.label, found.utf8.elementsEqual(label.utf8) { return stored.id }
        }
        return nil
    }

    /// Opens a conversation, from memory or from disk.
    /// - Throws: `notFound`, or `tampered` if what is stored is not what was written.
    func open(_ id: ConversationID) async throws -> Conversation {
        if let open = conversations[id] { return open }
        try refuseWhileRekeying()
        let transcript = try await currentTranscript(id)
        try refuseWhileRekeying()
        // Another request may have opened it while this one read.
        if let open = conversations[id] { return open }
        let opened = Conversation(transcript: transcript, kept: true)
        conversations[id] = opened
        return opened
    }

    /// Head and records are read one after the other: what was written in between, by a cell that is just ending, is no
    /// tampering.
    private func currentTranscript(_ id: ConversationID) async throws -> Transcript {
        let first = try await stored(id)
        do { return try await transcript(of: first) } catch VaultError.tampered {
            let second = try await stored(id)
            guard second.head.version != first.head.version else { throw VaultError.tampered }
            return try await transcript(of: second)
        }
    }

    /// For what needs no content: nil where what is stored does not open.
    private func openUnlessDamaged(_ id: ConversationID) async throws -> Conversation? {
        do { return try await open(id) } catch VaultError.tampered {
            _ = try await stored(id)
            return nil
        }
    }

    private func stored(_ id: ConversationID) async throws -> StoredConversation {
        guard let stored = try await around.store.conversation(id, account: account.id),
            visibleScope == nil || visibleScope == stored.scope
        else { throw Refusal(.notFound, "There is no such conversation.") }
        return stored
    }

    func transcript(of stored: StoredConversation) async throws -> Transcript {
        let records = try await around.store.records(of: stored.id, account: account.id)
        return try Transcript(key: try key(of: stored), head: stored.head, records: records)
    }

    /// Appends a turn; when this returns it is on disk and synced, unless the conversation is off the record.
    @discardableResult
    func append(_ turn: Turn, to id: ConversationID, at sequence: UInt64? = nil) async throws -> PlacedTurn {
        let transcript = try await keep(in: id) { try $0.appending(turn, at: sequence) }
        guard let placed = transcript.turns.last else { throw Malformed() }
        return placed
    }

    /// Makes a change of what the conversation is now and keeps it; changes of one conversation wait for each other.
    @discardableResult
    func keep(
        in id: ConversationID, _ make: (Transcript) throws -> Transcript.Change
    ) async throws -> Transcript {
        _ = try await open(id)
        await takeTurnToWrite(id)
        defer { endTurnToWrite(id) }
        try refuseWhileRekeying()
        guard let conversation = conversations[id] else { throw Refusal(.notFound, "There is no such conversation.") }
        let change = try make(conversation.transcript)
        if conversation.kept {
            try await around.store.change(id, account: account.id, head: change.head, record: change.record)
            if let record = change.record { lastRecord = (id, record) }
        }
        conversations[id]?.transcript = change.transcript
        return change.transcript
    }

    private func takeTurnToWrite(_ id: ConversationID) async {
        guard conversations[id]?.waiting != nil else {
            conversations[id]?.waiting = []
            return
        }
        await withCheckedContinuation { conversations[id]?.waiting?.append($0) }
    }

    private func endTurnToWrite(_ id: ConversationID) {
        if conversations[id]?.waiting?.isEmpty == false {
            conversations[id]?.waiting?.removeFirst().resume()
        } else {
            conversations[id]?.waiting = nil
        }
    }

    func forget(_ id: ConversationID) {
        conversations[id]?.sequence?.close()
        for waiting in conversations[id]?.waiting ?? [] { waiting.resume() }
        (conversations[id], drafts[id]) = (nil, nil)
        if lastRecord?.conversation == id { lastRecord = nil }
    }

    func key(of stored: StoredConversation) throws -> ConversationKey {
        let keyring: Keyring
        switch access {
        case .owner(let root): keyring = try account.keyring(of: stored.scope, root: root.key)
        case .key(let open): keyring = open.keyring.duplicate()
        }
        return try keyring.unwrap(stored.wrappedKey, account: account.id, conversation: stored.id, epoch: stored.epoch)
    }

    private func summary(_ id: ConversationID, _ head: ConversationHead, kept: Bool) -> Replies.Summary {
        Replies.Summary(
            id: id.hex, title: head.title, created: head.created, updated: head.updated, turns: head.count, kept: kept,
            arrangement: head.arrangement ?? Arrangement(), damaged: false)
    }
}

extension Arrangement {
    fileprivate func validate() throws {
        guard tags.count <= 8, tags.allSatisfy({ (1...40).contains($0.count) }) else { throw Malformed() }
    }
}

extension Manner {
    fileprivate func validate() throws {
        guard systemPrompt.utf8.count <= 16_384 else { throw Malformed() }
        do {
            try Sampling(temperature: temperature ?? 0, topP: topP ?? 1).validate()
        } catch { throw Malformed() }
    }
}
