import Glibc

/// What can go wrong with models on the disk.
public enum CatalogueError: Error, Equatable, Sendable {
    /// No model of this name; names that are near.
    case notFound(String, near: [String])
    /// Several models have this name; their ids.
    case ambiguous(String, [String])
    /// The file is another than the one that was used first; its id.
    case changed(String)
    /// There is a model of this name in the own store already.
    case exists(String)
    /// A name with signs that a file name should not have.
    case badName
    /// A file cannot be read; carries `errno`.
    case cannotRead(code: Int32)
    /// The own store cannot be written, and nothing was changed; carries `errno`.
    case cannotWrite(code: Int32)
    /// A change was made and the disk did not confirm it.
    case unconfirmed
    /// A change failed in its midst and could not be taken back.
    case halfDone
    /// The own store is no private folder of this user; its path.
    case untrustedStore(String)
    /// What lies in the store is not what was read or announced.
    case copyDiffers
    /// Another process fetches the same file.
    case arriving
    /// What is remembered of models is not readable; its path.
    case damagedMemory(String)
}

extension CatalogueError: CustomStringConvertible {
    /// One sentence for a person.
    public var description: String {
        switch self {
        case .notFound(let name, let near):
            "there is no model \"\(name)\"" + (near.isEmpty ? "" : "; there is \(near.joined(separator: ", "))")
        case .ambiguous(let name, let ids): "several models are called \"\(name)\": \(ids.joined(separator: ", "))"
        case .changed(let id):
            "the file of \(id) is not the one that was used before; if you replaced it, say so with: cloister models accept \(id)"
        case .exists(let name): "there is a model \"\(name)\" in Cloister's store already"
        case .badName:
            "a model's name has letters, digits, dots, dashes and underscores only, and begins with a letter or digit"
        case .cannotRead(let code): "the file cannot be read (error \(code))"
        case .cannotWrite(ENOSPC): "the disk is full; nothing was changed"
        case .cannotWrite: "Cloister's model store cannot be written; nothing was changed"
        case .unconfirmed:
            "the disk did not confirm the change to Cloister's model store, which a power cut may undo; see what is there with: cloister models list"
        case .halfDone:
            "the disk failed in the midst of a change to Cloister's model store; check the model with: cloister models verify"
        case .damagedMemory(let path):
            "\(path), which remembers the models that were used before, cannot be read; mend it, or remove it to trust the files as they are now"
        case .arriving: "another pull of this model is under way"
        case .untrustedStore(let path):
            "\(path) is refused: it must be a folder, no link, of this user alone (mode 0700); nothing was changed"
        case .copyDiffers: "what was written is not what was meant to be; nothing was kept"
        }
    }
}
