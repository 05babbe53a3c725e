import Archive
import Channel
import Cryptography
import Inference
import References
import Seams
import Vault

/// What comes from outside, thrown at every parser; the first byte chooses which.
///
/// Anything may be refused, nothing may trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let input = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    switch start.pointee % 7 {
    case 0: model(input)
    case 1: channel(Array(input))
    case 2: vault(Array(input))
    case 3: text(Array(input))
    case 4: backup(Array(input))
    case 5: seam(Array(input))
    default: registry(Array(input))
    }
    return 0
}

private func model(_ input: UnsafeRawBufferPointer) {
    guard let file = try? ModelFile(bytes: input, name: "fuzz") else { return }
    if let tokenizer = try? file.makeTokenizer() {
        _ = try? file.makeChatFormat(tokenizer)
        _ = tokenizer.encode("Hello, wörld 123 ")
    }
    _ = try? Engine(file: file, options: EngineOptions(threads: 1, contextLength: 8))
}

private func channel(_ input: [UInt8]) {
    _ = try? NodeRecord(verifying: input, now: 1_800_000_000)
    _ = try? Opening(.key(token: "x"), offer: input, pinned: nil, now: 1_800_000_000)
    guard var reception = try? Reception(identity: SigningKey(seed: .random())) else { return }
    _ = try? reception.admit(input, now: 1_800_000_000)
    _ = try? Admission(decoding: input, now: 1_800_000_000)
    _ = try? Padding.unpad(input)
    _ = try? Place(action: String(decoding: input, as: UTF8.self))
}

private func vault(_ input: [UInt8]) {
    if let account = try? Account(decoding: input), let token = try? APIToken(reading: token(account)) {
        _ = try? account.open(token: token)
        _ = account.encoded() == input
    }
    let keyring = try? Box.open(input, key: .random(), context: BoxContext("fuzz"))
    precondition(keyring == nil, "a random key opened a box")
}

/// A token for the account's first slot, so that the slot's parameters are read too.
private func token(_ account: Account) -> String {
    let slot = account.slots.first { $0.kind == .key }?.id ?? SlotID()
    return "cloister_" + Base64URL.encode(account.id.bytes + slot.bytes + [UInt8](repeating: 1, count: 32))
}

private func seam(_ input: [UInt8]) {
    var reader = FrameReader(payloadLimit: 4_096, descriptorLimit: 2)
    let half = input.count / 2
    reader.append(input[..<half])
    if (try? reader.skipAll()) != nil {
        reader.append(input[half...])
        _ = try? reader.skipAll()
    }
    if let request = try? GenerationRequest(decoding: input) { _ = try? request.validate(context: 64, vocabulary: 64) }
    if let event = try? GenerationEvent(decoding: input) {
        precondition(event.encoded() == input, "an event was read as another")
    }
}

private func text(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    _ = try? RecoveryCode(reading: text)
    _ = try? APIToken(reading: text)
    _ = Base64URL.decode(text)
    _ = Hex.decode(text)
    if let fernet = try? Fernet(key: "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=") {
        _ = try? fernet.open(text, timeToLive: 1, now: 1)
    }
    var matcher = StopMatcher(["\n\n", "User:", String(text.prefix(3))])
    for character in text { if matcher.append(String(character)).stopped { break } }
    _ = matcher.finish()
}

/// What a registry writes into its heads, and what a person writes about registries; JSON is `JSONDecoder`'s, under a
/// size.
private func registry(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    if let here = try? Origin("https://models.example"), let address = try? WebAddress(redirect: text, from: here) {
        precondition(address.isReadAlike, "two parsers read an address differently")
        precondition((try? WebAddress(address.description)) == address, "an address has two forms")
    }
    if let reference = try? ModelReference(text) {
        precondition((try? ModelReference(reference.description)) == reference, "a reference has two forms")
    }
    if let address = NetworkAddress(text) { precondition(NetworkAddress(address.description) == address) }
    _ = try? Registry.list(text)
    _ = Promise.digest(text)
    _ = Promise.validator(text)
    _ = Promise.range(text)
}

/// The header's digest is constant here: the fuzzer would not find one otherwise.
private func backup(_ input: [UInt8]) {
    guard let header = try? BackupHeader(decoding: input, hash: { _ in [UInt8](repeating: 0, count: 32) }) else {
        return
    }
    precondition(header.total >= UInt64(BackupHeader.byteCount) && header.entries.count == 2)
}
