import Glibc
import Testing

@testable import Envelope
@testable import TestSupport

/// The comparison of bytes with a file.
@Suite struct ComparingSinkTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }
  }

  private func file(_ bytes: [UInt8]) throws -> Descriptor {
    let path = directory.path.appending("file")
    try write(bytes, to: path)
    return try Descriptor.openInput(path)
  }

  @Test(arguments: [0, 1, 4095, 262_143, 262_144, 262_145, 1_000_000])
  func equalBytesPass(count: Int) throws {
    let bytes = Self.bytes(count)
    let sink = ComparingSink(with: try file(bytes))
    // In order, in two parts.
    let half = count / 2
    try sink.write(bytes.span.bytes.extracting(0..<half))
    try sink.write(bytes.span.bytes.extracting(half..<count))
    // By position, the second part first.
    try sink.writeAll(bytes.span.bytes.extracting(half..<count), at: Int64(half))
    try sink.writeAll(bytes.span.bytes.extracting(0..<half), at: 0)
    try sink.truncate(to: Int64(count))
    try sink.requireEnd(at: Int64(count))
  }

  @Test(arguments: [1, 4095, 262_144, 262_145, 1_000_000], [0.0, 0.5, 1.0])
  func anyDifferentByteIsFound(count: Int, place: Double) throws {
    let bytes = Self.bytes(count)
    var other = bytes
    other[Int(Double(count - 1) * place)] ^= 0x80
    let sink = ComparingSink(with: try file(other))
    #expect(throws: DifferentBytesError()) { try sink.write(bytes.span.bytes) }
  }

  @Test func otherLengthsAreFound() throws {
    let bytes = Self.bytes(1000)
    let shorter = ComparingSink(with: try file(Array(bytes.dropLast())))
    #expect(throws: DifferentBytesError()) { try shorter.write(bytes.span.bytes) }
    let longer = ComparingSink(with: try file(bytes + [0]))
    try longer.write(bytes.span.bytes)
    #expect(throws: DifferentBytesError()) { try longer.truncate(to: 1000) }
    #expect(throws: DifferentBytesError()) { try longer.requireEnd(at: 1000) }
  }

  @Test func errorsOfTheFileAreThrown() throws {
    let path = directory.path.appending("unreadable")
    let number = path.withPlatformString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
    let sink = ComparingSink(with: Descriptor(owning: number, path: path))
    #expect(throws: IOError(.read, path, .badFileDescriptor)) {
      try sink.write(Self.bytes(1).span.bytes)
    }
  }
}
