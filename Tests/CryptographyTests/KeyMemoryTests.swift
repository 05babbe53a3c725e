import CPlatform
import Foundation
import Testing

@testable import Cryptography

/// Where secrets lie.
struct KeyMemoryTests {
    private func place(_ bytes: [UInt8]) -> KeyMemory.Place { bytes.withUnsafeBytes { KeyMemory.shared.keep($0) } }

    @Test func `secrets of every size keep their bytes, and none is another's neighbour in use`() {
        let sizes = [1, 31, 32, 33, 64, 1_000, 5_000, 300_000]
        let places = sizes.map { place([UInt8](repeating: UInt8($0 % 251), count: $0)) }
        for (place, size) in zip(places, sizes) {
            #expect(Array(place.bytes) == [UInt8](repeating: UInt8(size % 251), count: size))
        }
        for place in places { KeyMemory.shared.release(place) }
    }

    @Test func `what is released is zero`() {
        let memory = KeyMemory()  // Of our own: nobody else takes the place meanwhile.
        let place = [UInt8](repeating: 0xA5, count: 77).withUnsafeBytes { memory.keep($0) }
        #expect(place.bytes.allSatisfy { $0 == 0xA5 })
        memory.release(place)
        #expect(place.bytes.allSatisfy { $0 == 0 })
    }

    @Test func `what is released is used again`() {
        for _ in 0..<200_000 { KeyMemory.shared.release(place([1, 2, 3])) }
        let many = (0..<20_000).map { place(withUnsafeBytes(of: $0) { Array($0) }) }
        for (number, place) in many.enumerated() {
            #expect(place.bytes.loadUnaligned(as: Int.self) == number)
        }
        for place in many { KeyMemory.shared.release(place) }
    }

    @Test func `a duplicate outlives what it was made from`() {
        func copy() -> Secret { Secret([1, 2, 3]).duplicate() }
        copy().withUnsafeBytes { #expect(Array($0) == [1, 2, 3]) }
        #expect(copy().matches(Secret([1, 2, 3])) && !copy().matches(Secret([1, 2, 4])))
    }

    #if os(Linux)
        @Test func `the pages are locked and left out of dumps`() throws {
            let place = place([1])
            defer { KeyMemory.shared.release(place) }
            let address = place.bytes.baseAddress.map { UInt(bitPattern: $0) } ?? 0
            // In pieces: the kernel gives a page at a time, and not every reader asks again.
            let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
            var smaps = ""
            while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty {
                smaps += String(decoding: piece, as: UTF8.self)
            }
            var flags = "", isHere = false
            for line in smaps.split(separator: "\n") {
                let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
                if ends.count == 2 { isHere = (ends[0]..<ends[1]).contains(address) }
                if isHere, line.hasPrefix("VmFlags:") { flags = "\(line) " }
            }
            guard KeyMemory.shared.standing != .ordinary else {
                return print("not shown: this machine locks no memory")
            }
            #expect(flags.contains(" lo ") && flags.contains(" dd "), "\(flags), \(KeyMemory.shared.standing)")
        }

        @Test func `the kernel reads secret pages for nobody`() throws {
            var kind = CP_KEYS_ORDINARY
            let memory = try #require(cp_key_memory(4_096, &kind))
            guard kind == CP_KEYS_SECRET else { return print("not shown: this kernel gives no memfd_secret") }
            memory.storeBytes(of: 0xA5, as: UInt8.self)
            let heap = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
            defer { heap.deallocate() }
            let file = try #require(FileHandle(forReadingAtPath: "/proc/self/mem"))
            func read(_ address: UnsafeRawPointer) -> Int {
                var byte: UInt8 = 0
                return pread(file.fileDescriptor, &byte, 1, off_t(Int(bitPattern: address)))
            }
            #expect(read(heap) == 1, "the control: other memory is read so")
            #expect(read(memory) == -1)
        }
    #endif
}
