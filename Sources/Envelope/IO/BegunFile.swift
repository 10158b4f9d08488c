/// A regular file whose beginning is in memory, after one read. The rest is read when it is needed.
final class BegunFile: PositionalSource {
  private let descriptor: Descriptor
  let count: Int64
  /// The first bytes of the file.
  let beginning: [UInt8]

  /// The whole of a small message, or the header of a usual one.
  private static let usualLength = 4096

  /// Reads the beginning of a file of `count` bytes. Throws `IOError`.
  init(_ descriptor: Descriptor, count: Int64) throws {
    self.descriptor = descriptor
    self.count = count
    let length = Int(min(count, Int64(Self.usualLength)))
    beginning = try [UInt8](unsafeUninitializedCapacity: length) { bytes, done in
      var target = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(bytes))
      done = try descriptor.read(into: &target, at: 0)
    }
  }

  func read(into buffer: inout MutableRawSpan, at position: Int64) throws -> Int {
    guard position < beginning.count else {
      return try descriptor.read(into: &buffer, at: position)
    }
    let part = beginning[Int(position)...].prefix(buffer.byteCount)
    buffer.withUnsafeMutableBytes { $0.copyBytes(from: part) }
    return part.count
  }

  func finish(at position: Int64) {}
}
