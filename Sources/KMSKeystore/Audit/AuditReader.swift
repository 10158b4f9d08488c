import Envelope

/// A reader that reads an audit log entry by entry, and reports damage. It needs no lock: the
/// entries that `head` knows do not change while others append.
struct AuditReader {
  private let file: AuditFile
  private let head: AuditHead
  private let log: any AuditLogReading
  private let window: Window

  init(file: AuditFile, head: AuditHead, log: any AuditLogReading) {
    self.file = file
    self.head = head
    self.log = log
    window = Window(file)
  }

  /// A piece of the file, read in one call because entries are small.
  private final class Window {
    private static let length = 256 << 10
    private let file: AuditFile
    private var start: UInt64 = 0
    private var bytes: [UInt8] = []

    init(_ file: AuditFile) { self.file = file }

    /// Returns `count` bytes from `offset` on, or fewer if the file ends before. `size` is the size
    /// of the file.
    func bytes(_ count: Int, at offset: UInt64, of size: UInt64) throws -> ArraySlice<UInt8> {
      if offset < start || offset + UInt64(count) > start + UInt64(bytes.count) {
        let wanted = min(size - offset, UInt64(max(count, Self.length)))
        bytes = try file.read(Int(wanted), at: Int64(offset))
        start = offset
      }
      return bytes[Int(offset - start)...].prefix(count)
    }
  }

  /// The bytes at the offset of an entry.
  private enum Found {
    case entry(AuditEntry, end: UInt64)
    /// Bytes with a valid length that are not an entry.
    case garbage(end: UInt64)
    /// Too few bytes, or a length that is too large for an entry.
    case nothing
  }

  /// Damage. `isAfterEnd` is true if it is after the end that the head names, where another process
  /// may be writing.
  private typealias Finding = (damage: AuditDamage, isAfterEnd: Bool)

  /// Passes every entry that verifies, and its end, to `body`. Returns the damage. Damage after the
  /// head's end does not count while other processes are writing.
  func read(
    anchor: AuditAnchor, _ body: (AuditEntry, UInt64) throws -> Void
  ) throws -> [AuditDamage] {
    let findings = try walk(anchor: anchor, body).findings
    let hasFindingAfterEnd = findings.contains(where: \.isAfterEnd)
    let areAllSettled = try !hasFindingAfterEnd || log.ifSettled(file, since: head)
    return findings.filter { areAllSettled || !$0.isAfterEnd }.map(\.damage)
  }

  /// Returns the damage, and the end of the last bytes with a valid length.
  private func walk(
    anchor: AuditAnchor, _ body: (AuditEntry, UInt64) throws -> Void
  ) throws -> (findings: [Finding], end: UInt64) {
    var findings: [Finding] = []
    // `expected` also counts entries that do not verify, so it is a guess. `lowest` is certain:
    // only entries that verify raise it.
    var expected = head.firstSequence
    var lowest = head.firstSequence
    var code = head.baseCode
    if expected > 1, head.prunedThrough < expected - 1 {
      findings.append((.missing(head.prunedThrough + 1...expected - 1), false))
    }
    var offset = UInt64(AuditHead.length)
    let size = UInt64(try file.status().size)
    reading: while offset < size {
      let isAfterEnd = offset >= head.end
      // After the head's end there can only be a few entries of a process that died. Anybody may
      // have appended other bytes, so reading stops at the first damage there.
      if isAfterEnd, findings.last?.isAfterEnd ?? false { break }
      switch try find(at: offset, size: size) {
      case .nothing:
        findings.append((.unreadable(afterEntry: expected - 1), isAfterEnd))
        break reading
      case .garbage(let end):
        findings.append((.altered(expected), isAfterEnd))
        expected += 1
        code = []
        offset = end
      case .entry(let entry, let end):
        offset = end
        guard try log.accepts(entry) else {
          findings.append((.altered(expected), isAfterEnd))
          expected += 1
          code = []
          continue
        }
        if entry.sequence > expected {
          findings.append((.missing(expected...entry.sequence - 1), isAfterEnd))
        } else if entry.sequence < lowest
          || (!code.isEmpty && entry.previousCode != code)
        {
          // An entry of the log in the wrong place.
          findings.append((.altered(entry.sequence), isAfterEnd))
          continue
        }
        if entry.sequence == anchor.sequence, entry.code != anchor.code {
          // The keystore stores the code of another entry with this number. Somebody removed that
          // entry, and a later one got its number.
          findings.append((.missing(entry.sequence...entry.sequence), false))
        }
        try body(entry, end)
        expected = entry.sequence + 1
        lowest = expected
        code = entry.code
      }
    }
    let last = max(head.lastSequence, anchor.sequence)
    if expected <= last { findings.append((.missing(expected...last), false)) }
    return (findings, offset)
  }

  /// Adapts `head` to a log whose end is lost. The new end is that of the last complete entry,
  /// damaged or not. The last number stays, or is that of a later entry that was written after the
  /// loss.
  func retreat(into head: inout AuditHead) throws {
    head.end = try walk(anchor: .none) { entry, _ in
      guard entry.sequence >= head.lastSequence else { return }
      head.lastSequence = entry.sequence
      head.lastCode = entry.code
    }.end
  }

  /// Finds the valid entries after the end that `head` names, and makes `head` include them.
  func adopt(into head: inout AuditHead, size: UInt64) throws {
    while case .entry(let entry, let end) = try find(at: head.end, size: size),
      entry.sequence == head.lastSequence + 1, entry.previousCode == head.lastCode,
      try log.accepts(entry)
    {
      head.lastSequence = entry.sequence
      head.lastCode = entry.code
      head.end = end
    }
  }

  /// True if there is an entry, valid or not, right after the head.
  func hasFirstEntry() throws -> Bool {
    let size = UInt64(try file.status().size)
    guard case .entry = try find(at: UInt64(AuditHead.length), size: size) else { return false }
    return true
  }

  /// True if there are only zeros after the head, as after a power failure.
  func hasOnlyZeros() throws -> Bool {
    var offset = Int64(AuditHead.length)
    while true {
      let piece = try file.read(AuditFile.pieceLength, at: offset)
      if piece.isEmpty { return true }
      guard piece.allSatisfy({ $0 == 0 }) else { return false }
      offset += Int64(piece.count)
    }
  }

  private func find(at offset: UInt64, size: UInt64) throws -> Found {
    guard size >= offset + 4 else { return .nothing }
    let prefix = try window.bytes(4, at: offset, of: size)
    guard prefix.count == 4 else { return .nothing }
    let length = prefix.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard length <= AuditEntry.lengthLimit, size >= offset + 4 + UInt64(length) else {
      return .nothing
    }
    let bytes = Array(try window.bytes(Int(length), at: offset + 4, of: size))
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
