/// One direction of the wire format. A structure is described once, as a `transcode` function that
/// names its fields in byte order: through a `WireWriter` each call appends the value it is given,
/// through a `WireReader` it ignores the argument, and each returns the value on the wire.
///
/// All integers are big-endian (specification, `data-format/message.md`).
package protocol Wire {
  mutating func uint8(_ value: UInt8?) throws(MessageError) -> UInt8
  mutating func uint16(_ value: UInt16?) throws(MessageError) -> UInt16
  mutating func uint32(_ value: UInt32?) throws(MessageError) -> UInt32
  mutating func uint64(_ value: UInt64?) throws(MessageError) -> UInt64
  /// Exactly `count` bytes.
  mutating func bytes(_ value: [UInt8]?, count: Int) throws(MessageError) -> [UInt8]
  /// How many bytes have passed so far.
  var offset: Int { get }
}

extension Wire {
  /// A count in 16 bits, then so many bytes. `name` is for the error if a writer has too many.
  package mutating func block(_ value: [UInt8]?, _ name: String) throws(MessageError) -> [UInt8] {
    if let value, value.count > Int(UInt16.max) {
      throw .malformed("\(name) of \(value.count) bytes, more than the limit of \(UInt16.max)")
    }
    let count = try uint16(value.map { UInt16($0.count) })
    return try bytes(value, count: Int(count))
  }

  /// A length in 16 bits, then so many bytes of UTF-8 text.
  package mutating func text(_ value: String?, _ name: String) throws(MessageError) -> String {
    let bytes = try block(value.map { Array($0.utf8) }, name)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed("\(name) that is not UTF-8")
    }
    return text
  }

  mutating func nonce(_ value: Nonce?) throws(MessageError) -> Nonce {
    let words = value?.words
    return Nonce(high: try uint32(words?.high), low: try uint64(words?.low))
  }
}

/// Appends to an array.
package struct WireWriter: Wire {
  package private(set) var bytes: [UInt8] = []
  package var offset: Int { bytes.count }

  package init() {}

  /// Starts again, in the memory that it has.
  package mutating func reset() { bytes.removeAll(keepingCapacity: true) }

  /// Lends what was written.
  func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
    try bytes.withUnsafeBytes { try body(RawSpan(_unsafeBytes: $0)) }
  }

  package mutating func uint8(_ value: UInt8?) -> UInt8 { append(value!) }
  package mutating func uint16(_ value: UInt16?) -> UInt16 { append(value!) }
  package mutating func uint32(_ value: UInt32?) -> UInt32 { append(value!) }
  package mutating func uint64(_ value: UInt64?) -> UInt64 { append(value!) }

  package mutating func bytes(_ value: [UInt8]?, count: Int) -> [UInt8] {
    precondition(value!.count == count)
    bytes.append(contentsOf: value!)
    return value!
  }

  private mutating func append<Value: FixedWidthInteger>(_ value: Value) -> Value {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    return value
  }
}

/// Reads from the front of the bytes that are lent to it. Throws `truncated` at their end.
package struct WireReader: Wire {
  private let source: UnsafeRawBufferPointer
  package private(set) var offset = 0

  /// Lends a reader over `span` for the length of `body`.
  package static func read<Result>(
    _ span: RawSpan, _ body: (inout WireReader) throws(MessageError) -> Result
  ) throws(MessageError) -> Result {
    try span.withUnsafeBytes { (source) throws(MessageError) in
      var reader = WireReader(source: source)
      return try body(&reader)
    }
  }

  package mutating func uint8(_ value: UInt8?) throws(MessageError) -> UInt8 { try take() }
  package mutating func uint16(_ value: UInt16?) throws(MessageError) -> UInt16 { try take() }
  package mutating func uint32(_ value: UInt32?) throws(MessageError) -> UInt32 { try take() }
  package mutating func uint64(_ value: UInt64?) throws(MessageError) -> UInt64 { try take() }

  package mutating func bytes(_ value: [UInt8]?, count: Int) throws(MessageError) -> [UInt8] {
    guard count <= source.count - offset else { throw .truncated }
    defer { offset += count }
    return Array(source[offset..<offset + count])
  }

  private mutating func take<Value: FixedWidthInteger>() throws(MessageError) -> Value {
    guard MemoryLayout<Value>.size <= source.count - offset else { throw .truncated }
    defer { offset += MemoryLayout<Value>.size }
    return Value(bigEndian: source.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}
