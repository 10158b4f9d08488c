/// Key-value pairs bound to a message as additional authenticated data (specification,
/// `framework/structures.md`, "Encryption Context"). Not secret.
///
/// Keys are compared byte by byte, not as Unicode does, and sorted by their UTF-8 bytes, which is
/// the order on the wire.
public struct EncryptionContext: Equatable, Sendable {
  /// One pair.
  public struct Pair: Equatable, Sendable {
    /// The key.
    public let key: String
    /// The value.
    public let value: String

    /// Returns true if both have the same bytes.
    public static func == (left: Pair, right: Pair) -> Bool {
      left.key.utf8.elementsEqual(right.key.utf8) && left.value.utf8.elementsEqual(right.value.utf8)
    }
  }

  /// The beginning of keys that are reserved for the format.
  public static let reservedPrefix = "aws-crypto-"

  /// Returns true if `key` is reserved: `MessageEncryptor` refuses it. Compares bytes: for Unicode the prefix could merge with what
  /// follows.
  public static func isReserved(_ key: String) -> Bool {
    key.utf8.starts(with: reservedPrefix.utf8)
  }

  /// The key under which a signed message carries its public key.
  static let publicKeyName = "aws-crypto-public-key"

  /// The key under which the audit log of a keystore has the ID of a message. No message has it.
  package static let messageIDName = "aws-crypto-message-id"

  /// The pairs, ordered by key.
  public private(set) var pairs: [Pair] = []

  /// Makes an empty context.
  public init() {}

  /// Makes a context of `pairs`, in any order. Throws `MessageError.malformed` if a key occurs twice.
  public init(_ pairs: some Sequence<(key: String, value: String)>) throws(MessageError) {
    for pair in pairs { try insert(pair.key, pair.value) }
  }

  /// True if there are no pairs.
  public var isEmpty: Bool { pairs.isEmpty }

  /// The value of `key`; nil if there is no such key.
  public subscript(key: String) -> String? {
    pairs.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  /// Adds a pair. Throws `MessageError.malformed` if the key is there already.
  public mutating func insert(_ key: String, _ value: String) throws(MessageError) {
    let index = firstIndex(notBefore: key)
    if index < pairs.endIndex, pairs[index].key.utf8.elementsEqual(key.utf8) {
      throw .malformed("an encryption context with the key '\(key)' twice")
    }
    pairs.insert(Pair(key: key, value: value), at: index)
  }

  /// The index of `key`, or the index to insert it at.
  private func firstIndex(notBefore key: String) -> Int {
    var range = pairs.indices
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if pairs[middle].key.utf8.lexicographicallyPrecedes(key.utf8) {
        range = (middle + 1)..<range.upperBound
      } else {
        range = range.lowerBound..<middle
      }
    }
    return range.lowerBound
  }

  /// The serialization that keyrings authenticate. It is empty for an empty context.
  package func serialized() throws(MessageError) -> [UInt8] {
    if isEmpty { return [] }
    var writer = WireWriter()
    _ = try Self.transcodePairs(self, through: &writer)
    guard writer.bytes.count <= Int(UInt16.max) else {
      throw .malformed(
        "an encryption context of \(writer.bytes.count) bytes, more than the limit of \(UInt16.max)"
      )
    }
    return writer.bytes
  }

  /// The context that `serialized` wrote; nil if the bytes have another shape.
  package init?(serialized bytes: [UInt8]) {
    self.init()
    if bytes.isEmpty { return }
    let parsed = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      let context = try Self.transcodePairs(nil, through: &reader)
      guard reader.offset == bytes.count else { throw .trailingData }
      return context
    }
    guard let parsed else { return nil }
    self = parsed
  }

  /// The context without the pair `key`.
  package func removing(_ key: String) -> EncryptionContext {
    var context = self
    context.pairs.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
    return context
  }

  /// The context without the pairs that the format adds, as a user gave it.
  package var withoutReservedPairs: EncryptionContext {
    var context = self
    context.pairs.removeAll { Self.isReserved($0.key) }
    return context
  }

  /// The AAD field of the header: the length of the pairs in bytes, then the pairs.
  static func transcode(
    _ value: EncryptionContext?, through wire: inout some Wire
  ) throws(MessageError) -> EncryptionContext {
    let block = try wire.block(try value?.serialized(), "an encryption context")
    if block.isEmpty { return EncryptionContext() }
    return try WireReader.read(block.span.bytes) { (reader) throws(MessageError) in
      do throws(MessageError) {
        let context = try transcodePairs(nil, through: &reader)
        guard reader.offset == block.count, !context.isEmpty else {
          throw MessageError.malformed("an encryption context whose length does not fit its pairs")
        }
        return context
      } catch .truncated {
        throw .malformed("an encryption context whose length does not fit its pairs")
      }
    }
  }

  /// The count, then each key and value.
  private static func transcodePairs(
    _ value: EncryptionContext?, through wire: inout some Wire
  ) throws(MessageError) -> EncryptionContext {
    if let value, value.pairs.count > Int(UInt16.max) {
      throw .malformed("an encryption context of \(value.pairs.count) pairs")
    }
    let count = try wire.uint16(value.map { UInt16($0.pairs.count) })
    var context = EncryptionContext()
    for index in 0..<Int(count) {
      let pair = value?.pairs[index]
      let key = try wire.text(pair?.key, "an encryption context key")
      let entry = try wire.text(pair?.value, "an encryption context value")
      try context.append(key, entry)
    }
    return context
  }

  /// `insert`, fast if the keys come in order, as writers write them.
  private mutating func append(_ key: String, _ value: String) throws(MessageError) {
    guard let last = pairs.last, !last.key.utf8.lexicographicallyPrecedes(key.utf8) else {
      pairs.append(Pair(key: key, value: value))
      return
    }
    try insert(key, value)
  }
}

extension EncryptionContext: ExpressibleByDictionaryLiteral {
  /// Makes a context from a literal. A key that occurs twice is a mistake of the programmer, and
  /// traps.
  public init(dictionaryLiteral elements: (String, String)...) {
    try! self.init(elements.map { (key: $0.0, value: $0.1) })
  }
}
