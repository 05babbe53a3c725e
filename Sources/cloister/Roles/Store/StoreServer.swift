import Archive
import Seams
import Synchronization

/// Serves one cell from the archive.
///
/// The first account that it names is the only one it gets: a cell that was taken over reaches no other person's rows.
final class StoreServer: Sendable {
    private let archive: any RowStore
    private let bound = Mutex<(account: [UInt8]?, lookup: [UInt8]?)>((nil, nil))

    private init(_ archive: any RowStore) { self.archive = archive }

    /// Takes the socket over.
    static func serve(_ archive: any RowStore, on socket: Descriptor) throws(SeamError) -> SeamServer {
        let server = StoreServer(archive)
        return try SeamServer(socket, limits: .store) { call in
            do { try await server.answer(call) } catch let error as ArchiveError {
                throw SeamError.failed(error.encoded)
            } catch let error as SeamError {
                throw error
            } catch { throw SeamError.failed(ArchiveError.damaged.encoded) }
        }
    }

    private func answer(_ call: ServedCall) async throws {
        var request = try Fields(decoding: call.payload)
        switch StoreCall(rawValue: call.method) {
        case .hasAccounts: try await call.send(Fields([try await archive.hasAccounts() ? 1 : 0]))
        case .accountByLookup:
            guard let row = try await archive.account(lookup: try lookup(&request)) else { return }
            try own(row.id)
            try await call.send(Fields(row))
        case .accountByID:
            if let row = try await archive.account(id: try account(&request)) { try await call.send(Fields(row)) }
        case .insertAccount:
            let lookup = try lookup(&request)
            guard var part = try await call.part() else { throw SeamError.malformed }
            let row = try part.account()
            try own(row.id)
            try await archive.insert(row, lookup: lookup)
        case .update:
            let row = try request.account()
            try own(row.id)
            try await archive.update(row)
        case .attempts:
            let (failures, last) = try await archive.attempts(lookup: try lookup(&request))
            try await call.send(Fields(Fields.integer(UInt64(clamping: failures)), Fields.integer(last)))
        case .countAttempt:
            try await archive.countAttempt(lookup: try lookup(&request), now: try request.integer(UInt64.self))
        case .clearAttempts: try await archive.clearAttempts(lookup: try lookup(&request))
        default: try await answerOfConversations(call, request)
        }
    }

    private func answerOfConversations(_ call: ServedCall, _ fields: Fields) async throws {
        var request = fields
        if call.method == StoreCall.rekey.rawValue { return try await rekey(call, request) }
        let account = try account(&request)
        switch StoreCall(rawValue: call.method) {
        case .noteUse:
            try await archive.noteUse(
                of: try request.bytes(), account: account, day: try request.integer(UInt32.self))
        case .uses:
            for (slot, day) in try await archive.uses(account: account) {
                try await call.send(Fields(slot, Fields.integer(day)))
            }
        case .insertConversation:
            let whole = try await conversation(call)
            try await archive.insert(whole.row, account: account, records: whole.records)
        case .conversations:
            let scope = try request.bytes()
            for row in try await archive.conversations(account: account, scope: scope.isEmpty ? nil : scope) {
                try await call.send(Fields(row))
            }
        case .conversation:
            if let row = try await archive.conversation(try request.bytes(), account: account) {
                try await call.send(Fields(row))
            }
        case .records:
            for row in try await archive.records(of: try request.bytes(), account: account) {
                try await call.send(Fields(row))
            }
        case .change:
            let (id, version) = (try request.bytes(), try request.integer(UInt64.self))
            let head = try request.bytes()
            var part = try await call.part()
            try await archive.change(
                id, account: account, headVersion: version, head: head, record: try part?.record())
        case .reseal:
            let whole = try await conversation(call)
            try await archive.reseal(whole.row, account: account, records: whole.records)
        case .delete:
            let deletion = try await archive.delete(try request.bytes(), account: account)
            try await call.send(
                Fields(Fields.integer(UInt64(clamping: deletion.records)), [deletion.logTruncated ? 1 : 0]))
        case .size:
            let (records, bytes) = try await archive.size(account: account)
            try await call.send(
                Fields(Fields.integer(UInt64(clamping: records)), Fields.integer(UInt64(clamping: bytes))))
        default: throw SeamError.malformed
        }
    }

    private func conversation(_ call: ServedCall) async throws -> (row: ConversationRow, records: [RecordRow]) {
        guard var first = try await call.part() else { throw SeamError.malformed }
        let row = try first.conversation()
        var records: [RecordRow] = []
        while var part = try await call.part() { records.append(try part.record()) }
        return (row, records)
    }

    private func rekey(_ call: ServedCall, _ request: Fields) async throws {
        var request = request
        let row = try request.account()
        try own(row.id)
        var wrapped: [OpaqueID: [UInt8]] = [:]
        while var part = try await call.part() { wrapped[try part.bytes()] = try part.bytes() }
        try await archive.rekey(row, wrapped: wrapped)
    }

    private func account(_ request: inout Fields) throws -> [UInt8] {
        let id = try request.bytes()
        try own(id)
        return id
    }

    private func lookup(_ request: inout Fields) throws -> [UInt8] {
        let value = try request.bytes()
        let isOwn = bound.withLock { bound in
            bound.lookup = bound.lookup ?? value
            return bound.lookup == value
        }
        guard isOwn else { throw ArchiveError.notFound }
        return value
    }

    private func own(_ id: [UInt8]) throws {
        let isOwn = bound.withLock { bound in
            bound.account = bound.account ?? id
            return bound.account == id
        }
        guard isOwn else { throw ArchiveError.notFound }
    }
}

extension ServedCall {
    fileprivate func send(_ fields: Fields) async throws(SeamError) { try await send(fields.encoded()) }

    fileprivate func part() async throws(SeamError) -> Fields? {
        guard let part = try await next() else { return nil }
        return try Fields(decoding: part.bytes)
    }
}
