import Foundation

/// What was done with a key, or was not: one record of the audit log. Its fields are those of a
/// CloudTrail event, as far as they mean something here.
public struct AuditRecord: Equatable, Sendable {
  /// Milliseconds since 1970.
  var time: Int64
  /// CloudTrail's `eventName`: an operation of the KMS API, or a command beside it.
  public var operation: String
  /// The caller's ARN.
  public var caller: String
  /// Empty where no key was found.
  public var keyID: String
  /// 0 where no version was used.
  public var keyVersion: UInt32
  /// As keyrings authenticate it: serialized, and empty for none.
  var context: [UInt8]
  /// 16 random bytes.
  var requestID: [UInt8]
  /// Empty for what succeeded, else the API's name of the error.
  public var errorCode: String
  /// What a person should know beside the name of the error.
  public var errorMessage: String

  public var date: Date { Date(milliseconds: time) }

  public var encryptionContext: EncryptionContext {
    EncryptionContext(serialized: context) ?? EncryptionContext()
  }

  /// The fields in the order of the log.
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

/// A record where it stands in the log.
struct AuditEntry: Equatable {
  /// From 1, without a gap.
  let sequence: UInt64
  /// The code of the entry before, which makes a chain of them.
  let previousCode: [UInt8]
  let record: AuditRecord
  /// Over everything before it.
  let code: [UInt8]

  static let codeLength = 32
  /// The numbers that entries have: from 1, and so many that no log has them all. Whoever counts on
  /// from one of them does not overflow.
  static let numbers: ClosedRange<UInt64> = 1...(1 << 62)
  /// The most bytes of an entry behind its length: a full context, and room for the rest.
  static let lengthLimit: UInt32 = 256 << 10

  /// The number, the code of the entry before, the record: what the code covers.
  private static func transcodeBody(
    _ value: AuditEntry?, through wire: inout some Wire
  ) throws(MessageError) -> (sequence: UInt64, previousCode: [UInt8], record: AuditRecord) {
    (
      try wire.uint64(value?.sequence),
      try wire.bytes(value?.previousCode, count: codeLength),
      try AuditRecord.transcode(value?.record, through: &wire)
    )
  }

  /// What is authenticated, then the code.
  static func transcode(
    _ value: AuditEntry?, through wire: inout some Wire
  ) throws(MessageError) -> AuditEntry {
    let (sequence, previousCode, record) = try transcodeBody(value, through: &wire)
    guard numbers.contains(sequence) else { throw .malformed("the number of an audit entry") }
    return AuditEntry(
      sequence: sequence, previousCode: previousCode, record: record,
      code: try wire.bytes(value?.code, count: codeLength))
  }

  /// What the code of a new entry covers.
  static func write(
    sequence: UInt64, previousCode: [UInt8], record: AuditRecord, to body: inout WireWriter
  ) throws(MessageError) {
    _ = try transcodeBody(
      AuditEntry(sequence: sequence, previousCode: previousCode, record: record, code: []),
      through: &body)
  }

  /// As the log has it: behind its length.
  static func append(_ entry: AuditEntry, to log: inout WireWriter) throws(MessageError) {
    var writer = WireWriter()
    _ = try transcode(entry, through: &writer)
    _ = log.uint32(UInt32(writer.bytes.count))
    _ = log.bytes(writer.bytes, count: writer.bytes.count)
  }

  /// What the code covers.
  func authenticatedMessage() throws(MessageError) -> [UInt8] {
    var writer = WireWriter()
    _ = try Self.transcodeBody(self, through: &writer)
    return writer.bytes
  }
}

/// What stands at the beginning of the log, and is written anew with every append.
struct AuditHead: Equatable {
  /// The number of the first entry that is kept: those before it were pruned.
  var firstSequence: UInt64
  /// The code of the entry before the first one, where the chain begins.
  var baseCode: [UInt8]
  /// Up to which entry somebody pruned the log. Where that is less than what is missing, entries were
  /// lost.
  var prunedThrough: UInt64
  /// The number of the last entry, and its code; `firstSequence - 1` and the base where there is none.
  var lastSequence: UInt64
  var lastCode: [UInt8]
  /// Where in the file the last entry ends.
  var end: UInt64

  /// "ENVA" and the version of the format.
  private static let magic: UInt32 = 0x454E_5641
  private static let version: UInt8 = 1
  /// Bytes of the head with its own code.
  static let length = 4 + 1 + 8 + 32 + 8 + 8 + 32 + 8 + AuditEntry.codeLength

  /// Nil where `bytes` have another shape.
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
    // A log that is read without its key has nothing else to show that its head is one.
    guard AuditEntry.numbers.contains(head.firstSequence),
      (head.firstSequence - 1...AuditEntry.numbers.upperBound).contains(head.lastSequence),
      head.prunedThrough < head.firstSequence, head.end >= length, head.end <= Int64.max
    else { throw .malformed("an audit log") }
    return head
  }
}
