/// Reads an audit log entry by entry, and tells what is wrong with it. It needs no lock: others append
/// meanwhile, but what `head` knows stays as it is.
struct AuditReader {
  private let file: AuditFile
  private let head: AuditHead
  private let log: AuditLog
  private let window: Window

  init(file: AuditFile, head: AuditHead, log: AuditLog) {
    self.file = file
    self.head = head
    self.log = log
    window = Window(file)
  }

  /// A piece of the file, read at once for the many small entries in it.
  private final class Window {
    private static let length = 256 << 10
    private let file: AuditFile
    private var start: UInt64 = 0
    private var bytes: [UInt8] = []

    init(_ file: AuditFile) { self.file = file }

    /// `count` bytes from `offset` on, or fewer if the file ends before. It has `size` bytes.
    func bytes(_ count: Int, at offset: UInt64, of size: UInt64) throws -> ArraySlice<UInt8> {
      if offset < start || offset + UInt64(count) > start + UInt64(bytes.count) {
        let wanted = min(size - offset, UInt64(max(count, Self.length)))
        bytes = try file.read(Int(wanted), at: Int64(offset))
        start = offset
      }
      return bytes[Int(offset - start)...].prefix(count)
    }
  }

  /// An entry at an offset: what the bytes there are.
  private enum Found {
    case entry(AuditEntry, end: UInt64)
    /// Bytes of the length they claim that are no entry.
    case garbage(end: UInt64)
    /// Not enough bytes, or a length that no entry has.
    case nothing
  }

  /// Damage, and whether it is after the end that the head knows, where somebody may be at work.
  private typealias Finding = (damage: AuditDamage, isAfterEnd: Bool)

  /// Hands over every entry that verifies, and where it ends.
  func read(
    anchor: AuditAnchor, _ body: (AuditEntry, UInt64) throws -> Void
  ) throws -> [AuditDamage] {
    let findings = try walk(anchor: anchor, body).findings
    let isDoubtful = findings.contains(where: \.isAfterEnd)
    let areAllSettled = try !isDoubtful || log.ifSettled(file, since: head)
    return findings.filter { areAllSettled || !$0.isAfterEnd }.map(\.damage)
  }

  /// What is wrong, and where the last thing ends that has the length it claims.
  private func walk(
    anchor: AuditAnchor, _ body: (AuditEntry, UInt64) throws -> Void
  ) throws -> (findings: [Finding], end: UInt64) {
    var findings: [Finding] = []
    // Entries that do not verify are counted, but how many they were is a guess: only those handed
    // over say which numbers cannot come any more.
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
      // There a process that died left some entries at most. What anybody may have appended is not read.
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
        guard try log.verifies(entry) else {
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
          // An entry of the log, in a place that is not its own.
          findings.append((.altered(entry.sequence), isAfterEnd))
          continue
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

  /// Brings `head` back to what is left of a log whose end is lost: to the end of what is whole,
  /// damaged or not, and up to its last number, which may have been written after the loss.
  func retreat(into head: inout AuditHead) throws {
    head.end = try walk(anchor: .none) { entry, _ in
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
