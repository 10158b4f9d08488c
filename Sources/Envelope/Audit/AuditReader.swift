/// Reads an audit log entry by entry, and tells what is wrong with it.
struct AuditReader {
  private let file: AuditFile
  private let head: AuditHead
  private let log: AuditLog

  init(file: AuditFile, head: AuditHead, log: AuditLog) {
    self.file = file
    self.head = head
    self.log = log
  }

  /// An entry at an offset: what the bytes there are.
  private enum Found {
    case entry(AuditEntry, end: UInt64)
    /// Bytes of the length they claim that are no entry.
    case garbage(end: UInt64)
    /// Not enough bytes, or a length that no entry has.
    case nothing
  }

  /// Hands over every entry that verifies.
  func read(
    anchor: AuditAnchor, _ body: (AuditEntry) throws -> Void
  ) throws -> [AuditDamage] {
    try walk(anchor: anchor, body).damage
  }

  /// What is wrong, and where the last thing ends that has the length it claims.
  private func walk(
    anchor: AuditAnchor, _ body: (AuditEntry) throws -> Void
  ) throws -> (damage: [AuditDamage], end: UInt64) {
    var damage: [AuditDamage] = []
    // Entries that do not verify are counted, but how many they were is a guess: only those handed
    // over say which numbers cannot come any more.
    var expected = head.firstSequence
    var lowest = head.firstSequence
    var code = head.baseCode
    if expected > 1, head.prunedThrough < expected - 1 {
      damage.append(.missing(head.prunedThrough + 1...expected - 1))
    }
    var offset = UInt64(AuditHead.length)
    let size = UInt64(try file.status().size)
    reading: while offset < size {
      switch try find(at: offset, size: size) {
      case .nothing:
        damage.append(.unreadable(afterEntry: expected - 1))
        break reading
      case .garbage(let end):
        damage.append(.altered(expected))
        expected += 1
        code = []
        offset = end
      case .entry(let entry, let end):
        offset = end
        guard try log.verifies(entry) else {
          damage.append(.altered(expected))
          expected += 1
          code = []
          continue
        }
        if entry.sequence > expected {
          damage.append(.missing(expected...entry.sequence - 1))
        } else if entry.sequence < lowest
          || (!code.isEmpty && entry.previousCode != code)
        {
          // An entry of the log, in a place that is not its own.
          damage.append(.altered(entry.sequence))
          continue
        }
        try body(entry)
        expected = entry.sequence + 1
        lowest = expected
        code = entry.code
      }
    }
    let last = max(head.lastSequence, anchor.sequence)
    if expected <= last { damage.append(.missing(expected...last)) }
    return (damage, offset)
  }

  /// Brings `head` back to what is left of a log whose end is lost: to the end of what is whole,
  /// damaged or not, and up to its last number, which may have been written after the loss.
  func retreat(into head: inout AuditHead) throws {
    head.end = try walk(anchor: .none) { entry in
      guard entry.sequence >= head.lastSequence else { return }
      head.lastSequence = entry.sequence
      head.lastCode = entry.code
    }.end
  }

  /// Takes the entries into `head` that follow its last one.
  func adopt(into head: inout AuditHead, size: UInt64) throws {
    while case .entry(let entry, let end) = try find(at: head.end, size: size),
      entry.sequence == head.lastSequence + 1, entry.previousCode == head.lastCode,
      try log.verifies(entry)
    {
      head.lastSequence = entry.sequence
      head.lastCode = entry.code
      head.end = end
    }
  }

  private func find(at offset: UInt64, size: UInt64) throws -> Found {
    guard size >= offset + 4 else { return .nothing }
    let prefix = try file.read(4, at: Int64(offset))
    guard prefix.count == 4 else { return .nothing }
    let length = prefix.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard length <= AuditEntry.lengthLimit, size >= offset + 4 + UInt64(length) else {
      return .nothing
    }
    let bytes = try file.read(Int(length), at: Int64(offset) + 4)
    guard bytes.count == Int(length) else { return .nothing }
    let entry = try? WireReader.read(bytes.span.bytes) { (reader) throws(MessageError) in
      let entry = try AuditEntry.transcode(nil, through: &reader)
      guard reader.offset == bytes.count else { throw .trailingData }
      return entry
    }
    let end = offset + 4 + UInt64(length)
    return entry.map { .entry($0, end: end) } ?? .garbage(end: end)
  }
}
