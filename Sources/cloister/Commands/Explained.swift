import ArgumentParser
import Archive
import Catalogue
import Channel
import Courier
import Foundation
import Inference
import struct NIOCore.IOError
import References

/// Runs a command; what goes wrong is said in a sentence, with what can be done about it, and an exit code.
func explained(_ body: () async throws -> Void) async throws {
    do { try await body() } catch let error as ExitCode { throw error } catch {
        FileHandle.standardError.write(Data("cloister: \(sentence(error).oneLine)\n".utf8))
        throw ExitCode(1)
    }
}

/// What went wrong, for a person.
func sentence(_ error: any Error) -> String {
    switch error {
    case let error as UserError: error.description
    case let refusal as Refusal: refusal.message
    case let error as InferenceError: error.description
    case let error as CatalogueError: error.description
    case let error as CourierError: error.description
    case let error as MisspelledReference: error.description
    case ArchiveError.inUse:
        "another Cloister has this data directory open; stop it first, or choose another with --data"
    case ArchiveError.untrustedDirectory(let fault): "the data directory is refused: \(fault.rawValue)"
    case ArchiveError.untrustedFile(let name, let fault):
        "\(name) in the data directory is refused: \(fault.rawValue); nothing was changed"
    case ArchiveError.backup(.unwritable): "the backup was not made: \(ArchiveError.BackupFault.unwritable.rawValue)"
    case ArchiveError.backup(let fault): "the backup is refused: \(fault.rawValue)"
    case ArchiveError.full: "the disk is full; nothing was changed"
    case ArchiveError.readOnly: "the data directory cannot be written; nothing was changed"
    case ArchiveError.unconfirmed:
        "the disk failed and did not confirm what was written: it may be in its place, and a power cut may undo it; look before you go on"
    case ArchiveError.damaged: "the data directory holds a file that is damaged or not Cloister's; nothing was changed"
    case let error as ArchiveError: "the archive failed (\(error))"
    case let error as ChannelError where error == .fingerprintChanged:
        "this node is not the one that was pinned: someone may be in between, or its data directory is another. Nothing was sent."
    case let error as ChannelError where error == .truncated: "the answer was cut off"
    case let error as ChannelError: "the node could not be trusted (\(error)); nothing more was sent"
    case let error as IOError where error.errnoCode == EADDRINUSE: "the port is in use; choose another with --port"
    default: "failed: \(type(of: error))"
    }
}
