import Envelope
import Foundation

/// One record of the audit log: an operation with a key, or an attempt that failed. Its fields are
/// those of a CloudTrail event that have a meaning here.
package struct AuditRecord: Equatable, Sendable {
  /// Milliseconds since 1970.
  package var time: Int64
  /// CloudTrail's `eventName`: an operation of the KMS API, or another command of envcrypt.
  package var operation: String
  /// The caller's ARN.
  package var caller: String
  /// The key's ID; empty if no key was found.
  package var keyID: String
  /// The version of the key; 0 if none was used.
  package var keyVersion: UInt32
  /// The encryption context, serialized as in messages; empty if there is none. It also has the ID
  /// of the message, if the operation was one with a message.
  var context: [UInt8]
  /// 16 random bytes.
  package var requestID: [UInt8]
  /// The API's name of the error; empty after success.
  package var errorCode: String
  /// Details of the error, for people.
  package var errorMessage: String

  package var date: Date { Date(milliseconds: time) }

  /// Reads or writes the fields (see `Wire`), in the order in which the log stores them.
  static func transcode(
    _ value: AuditRecord?, through wire: inout some Wire
  ) throws(MessageError) -> AuditRecord {
    AuditRecord(
      time: Int64(bitPattern: try wire.uint64(value.map { UInt64(bitPattern: $0.time) })),
      operation: try wire.text(value?.operation, "an operation"),
      caller: try wire.text(value?.caller, "a caller"),
      keyID: try wire.text(value?.keyID, "a key ID"),
      keyVersion: try wire.uint32(value?.keyVersion),
      context: try wire.block(value?.context, "an encryption context"),
      requestID: try wire.bytes(value?.requestID, count: 16),
      errorCode: try wire.text(value?.errorCode, "an error code"),
      errorMessage: try wire.text(value?.errorMessage, "an error message"))
  }
}

/// A record with its place in the log.
package struct AuditEntry: Equatable {
  /// The number of the entry. Numbers begin at 1 and have no gaps.
  package let sequence: UInt64
  /// The code of the previous entry, which makes the entries a chain.
  let previousCode: [UInt8]
  package let record: AuditRecord
  /// The code over all fields before it.
  let code: [UInt8]

  static let codeLength = 32
  /// The valid numbers of entries. There are more than any log needs, and one more than the largest
  /// does not overflow.
  static let numbers: ClosedRange<UInt64> = 1...(1 << 62)
  /// The most bytes of an entry after its length: a full encryption context, and room for the other
  /// fields.
  static let lengthLimit: UInt32 = 256 << 10

  /// Reads or writes the fields that the code covers: the number, the code of the previous entry,
  /// the record.
  private static func transcodeBody(
    _ value: AuditEntry?, through wire: inout some Wire
  ) throws(MessageError) -> (sequence: UInt64, previousCode: [UInt8], record: AuditRecord) {
    (
      try wire.uint64(value?.sequence),
      try wire.bytes(value?.previousCode, count: codeLength),
      try AuditRecord.transcode(value?.record, through: &wire)
    )
  }

  /// Reads or writes the fields that the code covers, and then the code.
  static func transcode(
    _ value: AuditEntry?, through wire: inout some Wire
  ) throws(MessageError) -> AuditEntry {
    let (sequence, previousCode, record) = try transcodeBody(value, through: &wire)
    guard numbers.contains(sequence) else { throw .malformed("the number of an audit entry") }
    return AuditEntry(
      sequence: sequence, previousCode: previousCode, record: record,
      code: try wire.bytes(value?.code, count: codeLength))
  }

  /// Writes the fields of a new entry that its code covers.
  static func write(
    sequence: UInt64, previousCode: [UInt8], record: AuditRecord, to body: inout WireWriter
  ) throws(MessageError) {
    _ = try transcodeBody(
      AuditEntry(sequence: sequence, previousCode: previousCode, record: record, code: []),
      through: &body)
  }

  /// Appends an entry in the format of the log: its length, then its fields.
  static func append(_ entry: AuditEntry, to log: inout WireWriter) throws(MessageError) {
    var writer = WireWriter()
    _ = try transcode(entry, through: &writer)
    _ = log.uint32(UInt32(writer.bytes.count))
    _ = log.bytes(writer.bytes, count: writer.bytes.count)
  }

  /// Returns the bytes that the code covers.
  func authenticatedMessage() throws(MessageError) -> [UInt8] {
    var writer = WireWriter()
    _ = try Self.transcodeBody(self, through: &writer)
    return writer.bytes
  }
}

/// The head at the beginning of the log, which every append writes again.
package struct AuditHead: Equatable {
  /// The number of the first entry that was not pruned.
  var firstSequence: UInt64
  /// The code of the entry before the first one, from which the chain continues.
  var baseCode: [UInt8]
  /// The number of the last entry that was pruned on purpose. Entries between it and
  /// `firstSequence` were lost.
  var prunedThrough: UInt64
  /// The number and the code of the last entry; `firstSequence - 1` and `baseCode` if there is
  /// none.
  var lastSequence: UInt64
  var lastCode: [UInt8]
  /// The offset at which the last entry ends.
  var end: UInt64

  /// "ENVA" and the version of the format.
  private static let magic: UInt32 = 0x454E_5641
  private static let version: UInt8 = 1
  /// Bytes of the head, including its code.
  static let length = 4 + 1 + 8 + 32 + 8 + 8 + 32 + 8 + AuditEntry.codeLength

  /// True if the bytes begin as every head does.
  static func isBegun(by bytes: some Sequence<UInt8>) -> Bool {
    let mark = withUnsafeBytes(of: magic.bigEndian, Array.init)
    return bytes.starts(with: mark + [version])
  }

  /// Parses a head without its code; nil if the bytes have another shape.
  init?(parsing bytes: [UInt8]) {
    let parsed = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      try Self.transcode(nil, through: &reader)
    }
    guard let parsed else { return nil }
    self = parsed
  }

  init(
    firstSequence: UInt64, baseCode: [UInt8], prunedThrough: UInt64, lastSequence: UInt64,
    lastCode: [UInt8], end: UInt64
  ) {
    self.firstSequence = firstSequence
    self.baseCode = baseCode
    self.prunedThrough = prunedThrough
    self.lastSequence = lastSequence
    self.lastCode = lastCode
    self.end = end
  }

  func bytes() throws(MessageError) -> [UInt8] {
    var writer = WireWriter()
    _ = try Self.transcode(self, through: &writer)
    return writer.bytes
  }

  static func start(after anchor: AuditAnchor) -> AuditHead {
    AuditHead(
      firstSequence: anchor.sequence + 1, baseCode: anchor.code, prunedThrough: 0,
      lastSequence: anchor.sequence, lastCode: anchor.code, end: UInt64(length))
  }

  static func transcode(
    _ value: AuditHead?, through wire: inout some Wire
  ) throws(MessageError) -> AuditHead {
    guard try wire.uint32(magic) == magic, try wire.uint8(version) == version else {
      throw .malformed("an audit log")
    }
    let head = AuditHead(
      firstSequence: try wire.uint64(value?.firstSequence),
      baseCode: try wire.bytes(value?.baseCode, count: AuditEntry.codeLength),
      prunedThrough: try wire.uint64(value?.prunedThrough),
      lastSequence: try wire.uint64(value?.lastSequence),
      lastCode: try wire.bytes(value?.lastCode, count: AuditEntry.codeLength),
      end: try wire.uint64(value?.end))
    // An `UnverifiedAuditLog` has no key to verify the code. For it, only these checks show that
    // the bytes are a head.
    guard AuditEntry.numbers.contains(head.firstSequence),
      (head.firstSequence - 1...AuditEntry.numbers.upperBound).contains(head.lastSequence),
      head.prunedThrough < head.firstSequence, head.end >= length, head.end <= Int64.max
    else { throw .malformed("an audit log") }
    return head
  }
}
