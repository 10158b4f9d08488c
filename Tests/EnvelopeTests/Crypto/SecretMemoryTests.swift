import Foundation
import Glibc
import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct SecretMemoryTests {
  /// Returns the kernel's flags of the mapping at an address.
  private static func flags(at address: UInt) throws -> Set<Substring> {
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    var bytes = Data()
    while let more = try file.read(upToCount: 4096), !more.isEmpty { bytes += more }
    var isWanted = false
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      let range = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      if range.count == 2 { isWanted = (range[0]..<range[1]).contains(address) }
      if isWanted, words[0] == "VmFlags:" { return Set(words.dropFirst()) }
    }
    Issue.record("no mapping at \(String(address, radix: 16))")
    return []
  }

  private static func address(_ secret: borrowing SecretBytes) -> UInt {
    secret.withBytes { $0.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
  }

  @Test(arguments: [1, 32, 33, 1024, 4096, 4097, 100_000])
  func secretsAreLockedAndInNoCoreDump(count: Int) throws {
    let secret = try SecretBytes.random(count: count)
    let flags = try Self.flags(at: Self.address(secret))
    #expect(flags.contains("dd"))
    // lo: locked. Other tests in this process may have used up the limit; then nothing is locked.
    var limit = rlimit()
    // RLIMIT_MEMLOCK, which Swift does not import.
    getrlimit(__rlimit_resource_t(8), &limit)
    if limit.rlim_cur >= 4 << 20 { #expect(flags.contains("lo")) }
    // A mapping without secrets does not have the flag, so the flags are meaningful.
    let plain = [UInt8](repeating: 7, count: count)
    let other = try plain.withUnsafeBytes { try Self.flags(at: UInt(bitPattern: $0.baseAddress)) }
    #expect(!other.contains("dd"))
  }

  @Test func blocksAreApartAndComeBackAsZeros() {
    var pool = SecretPool()
    var blocks: [(UnsafeMutableRawPointer, Int)] = []
    for count in [1, 31, 32, 33, 64, 100, 1000, 4096, 4097, 20_000, 1 << 20] {
      for _ in 0..<20 {
        let block = pool.allocate(count)
        let bytes = UnsafeMutableRawBufferPointer(start: block, count: count)
        #expect(bytes.allSatisfy { $0 == 0 })
        bytes.copyBytes(from: repeatElement(UInt8(blocks.count & 0xFF), count: count))
        blocks.append((block, count))
      }
    }
    for (index, (block, count)) in blocks.enumerated() {
      let bytes = UnsafeMutableRawBufferPointer(start: block, count: count)
      #expect(bytes.allSatisfy { $0 == UInt8(index & 0xFF) })
      bytes.copyBytes(from: repeatElement(0, count: count))
      pool.release(block, count)
    }
    // A released block is used again.
    let first = pool.allocate(64)
    #expect(blocks.contains { $0.0 == first })
  }

  @Test func whereNothingCanBeLockedTheWorkGoesOn() {
    var pool = SecretPool(lock: { _, _ in false })
    for count in [10, 5000] {
      let block = pool.allocate(count)
      block.initializeMemory(as: UInt8.self, repeating: 1, count: count)
      #expect(block.load(fromByteOffset: count - 1, as: UInt8.self) == 1)
      block.initializeMemory(as: UInt8.self, repeating: 0, count: count)
      pool.release(block, count)
    }
  }

  @Test func aSecretIsWipedWhenItEnds() {
    // No other test has such a secret, even if another test gets the same memory next.
    let unlike = patternBytes(64).map { ~$0 }
    let address = {
      let secret = SecretBytes(unlike)
      return Self.address(secret)
    }()
    // The page still belongs to the pool.
    let bytes = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: 64)
    #expect(!bytes.elementsEqual(unlike))
  }

  @Test func manySecretsAtOnce() {
    let secrets = (0..<5000).map { SecretText(SecretBytes(patternBytes(32 + $0 % 300))) }
    #expect(
      secrets.enumerated().allSatisfy { $1.bytes.exposed == patternBytes(32 + $0 % 300) })
  }

  @Test func libcryptoWipesWhatItFrees() { #expect(LibCrypto.wipesOnFree) }

  @Test func nothingSecretIsDescribed() {
    let text = SecretText("key in the clear")
    #expect("\(text)" == "SecretText")
    var dumped = ""
    dump(text, to: &dumped)
    #expect(!dumped.contains("clear"))
  }

  @Test func aWriterPutsPiecesTogether() {
    var writer = SecretWriter()
    var wanted: [UInt8] = []
    for count in [0, 1, 1000, 1023, 5000, 1] {
      let piece = patternBytes(count)
      writer.append(piece.span.bytes)
      wanted += piece
    }
    #expect(writer.finish().exposed == wanted)
  }
}
