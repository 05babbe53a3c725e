import Archive
import Certificates
import Foundation
import Gateway
import Glibc

/// What the server shows over TLS, and who vouches for it.
///
/// It is not the node's identity.
struct ServerIdentity: Sendable {
    /// The files of the local authority in the data directory.
    enum File {
        static let authority = "authority.pem"
        static let authorityKey = "authority.key"
        static let certificate = "tls.pem"
        static let key = "tls.key"
        static let all = [authority, authorityKey, certificate, key]
    }

    /// Who vouches.
    enum Source: Sendable {
        /// The local one; whether it was made just now.
        case authority(Fingerprint, isNew: Bool)
        /// Somebody whom the owner chose.
        case own
    }

    let certificate: ServerCertificate
    let source: Source

    /// Reads what is there, and makes what is missing.
    /// - Throws: `UserError` for whatever is no certificate to begin with.
    init(_ reach: Reach, in directory: DataDirectory, now: Date) throws {
        if let files = reach.own {
            (certificate, source) = (try Self.own(files.certificate, files.key, for: reach.names, now: now), .own)
            return
        }
        let (authority, isNew) = try Self.authority(for: reach.names, in: directory, now: now)
        source = .authority(authority.fingerprint, isNew: isNew)
        if let made = try? Self.kept(in: directory), authority.isCurrent(made, for: reach.names, now: now) {
            certificate = made
            return
        }
        certificate = try authority.issue(for: reach.names, now: now)
        try directory.create(File.key, Array(certificate.key.utf8))
        try directory.create(File.certificate, Array(certificate.chain.utf8))
    }

    /// What the gateway answers with over TLS.
    ///
    /// HSTS only with the owner's certificate: it binds browsers to the name for a year, and a local authority may be
    /// made anew before.
    func options(_ reach: Reach) -> SecureOptions {
        var isOwn = false
        if case .own = source { isOwn = true }
        return SecureOptions(hosts: reach.hosts, chain: certificate.chain, key: certificate.key, isStrict: isOwn)
    }

    /// An authority can vouch only for the names that it was made for: other names need another authority.
    private static func authority(for names: [ServerName], in directory: DataDirectory, now: Date) throws
        -> (LocalAuthority, isNew: Bool)
    {
        if let certificate = try text(File.authority, in: directory),
            let key = try text(File.authorityKey, in: directory)
        {
            let kept: LocalAuthority
            do { kept = try LocalAuthority(certificate: certificate, key: key) } catch {
                throw UserError(
                    "\(File.authority) and \(File.authorityKey) in the data directory are no authority of Cloister; "
                        + "remove both and a new one is made, which has to be trusted again")
            }
            if kept.covers(names, now: now) { return (kept, false) }
        }
        let made = try LocalAuthority.make(for: names, now: now)
        try directory.create(File.authorityKey, Array(made.key.utf8))
        try directory.create(File.authority, Array(made.certificate.utf8))
        return (made, true)
    }

    private static func kept(in directory: DataDirectory) throws -> ServerCertificate? {
        guard let chain = try text(File.certificate, in: directory), let key = try text(File.key, in: directory) else {
            return nil
        }
        return try ServerCertificate(chain: chain, key: key)
    }

    private static func text(_ name: String, in directory: DataDirectory) throws -> String? {
        try directory.read(name, limit: 65_536).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func own(_ certificate: String, _ key: String, for names: [ServerName], now: Date) throws
        -> ServerCertificate
    {
        let (chain, secret) = (try PEMFile.read(certificate), try PEMFile.read(key, isPrivate: true))
        do {
            let pair = try ServerCertificate(chain: chain, key: secret)
            try pair.check(for: names, now: now)
            return pair
        } catch { throw UserError(said(error, certificate, key)) }
    }

    private static func said(_ error: CertificateError, _ certificate: String, _ key: String) -> String {
        switch error {
        case .unreadableKey: "\(key) is no private key in PEM, or it needs a passphrase; Cloister cannot ask for one"
        case .mismatch: "\(key) is not the key of the first certificate in \(certificate)"
        case .expired(let end): "the certificate in \(certificate) ended on \(day(end)); renew it"
        case .notYetValid(let start): "the certificate in \(certificate) begins on \(day(start)); is the clock right?"
        case .lacks(let names):
            "the certificate in \(certificate) does not stand for \(names.map(\.description).joined(separator: ", ")); "
                + "take them off --names, or get a certificate for them"
        default: "\(certificate) is no certificate in PEM"
        }
    }

    static func day(_ date: Date) -> String { date.formatted(.iso8601.year().month().day()) }
}

/// A PEM file that the owner named.
enum PEMFile {
    private static let limit = 1 << 20

    /// - Parameter isPrivate: whether only its owner may be able to read it.
    /// - Throws: `UserError`.
    static func read(_ path: String, isPrivate: Bool = false) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw UserError("\(path) cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
            throw UserError("\(path) is no PEM file")
        }
        if isPrivate && status.st_mode & 0o077 != 0 {
            throw UserError("\(path) can be read by others; make it yours alone: chmod 600 \(path)")
        }
        if isPrivate && ![0, geteuid()].contains(status.st_uid) { throw UserError("\(path) belongs to somebody else") }
        let data = try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).read(upToCount: limit)
        guard let data, let text = String(data: data, encoding: .utf8) else {
            throw UserError("\(path) is no PEM file")
        }
        return text
    }
}
