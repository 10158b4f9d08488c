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
    /// A length of zero, which no entry has.
    case zeros
    /// Bytes with a valid length that are not an entry.
    case garbage(end: UInt64)
    /// Too few bytes, or a length that is too large for an entry.
    case nothing
  }

  /// Damage. `isAfterEnd` is true if it is after the end that the head names, where another process
  /// may be writing.
  private typealias Finding = (damage: AuditDamage, isAfterEnd: Bool)

  /// The findings of a walk: at most `limit` in the entries that the head names. More of them say
  /// nothing new, and somebody who overwrites a log can make millions.
  private struct Findings {
    static let limit = 10_000
    private(set) var all: [Finding] = []
    var areAfterEnd: Bool { all.last?.isAfterEnd ?? false }

    mutating func add(_ damage: AuditDamage, isAfterEnd: Bool) {
      if all.count < Self.limit || isAfterEnd { all.append((damage, isAfterEnd)) }
    }

    /// Adds a finding about the end of the log, in addition to the others.
    mutating func addLast(_ damage: AuditDamage) { all.append((damage, false)) }
  }

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
    var findings = Findings()
    // `expected` also counts entries that do not verify, so it is a guess. `lowest` is certain:
    // only entries that verify raise it.
    var expected = head.firstSequence
    var lowest = head.firstSequence
    var code = head.baseCode
    if expected > 1, head.prunedThrough < expected - 1 {
      findings.add(.missing(head.prunedThrough + 1...expected - 1), isAfterEnd: false)
    }
    var offset = UInt64(AuditHead.length)
    let size = UInt64(try file.status().size)
    reading: while offset < size {
      let isAfterEnd = offset >= head.end
      // After the head's end there can only be a few entries of a process that died. Anybody may
      // have appended other bytes, so reading stops at the first damage there.
      if isAfterEnd, findings.areAfterEnd { break }
      switch try find(at: offset, size: size) {
      case .nothing:
        findings.add(.unreadable(afterEntry: expected - 1), isAfterEnd: isAfterEnd)
        break reading
      case .zeros:
        findings.add(.altered(expected), isAfterEnd: isAfterEnd)
        expected += 1
        code = []
        offset = isAfterEnd ? offset + 4 : try endOfZeros(at: offset, size: size)
      case .garbage(let end):
        findings.add(.altered(expected), isAfterEnd: isAfterEnd)
        expected += 1
        code = []
        offset = end
      case .entry(let entry, let end):
        offset = end
        guard try log.accepts(entry) else {
          findings.add(.altered(expected), isAfterEnd: isAfterEnd)
          expected += 1
          code = []
          continue
        }
        if entry.sequence > expected {
          findings.add(.missing(expected...entry.sequence - 1), isAfterEnd: isAfterEnd)
        } else if entry.sequence < lowest
          || (!code.isEmpty && entry.previousCode != code)
        {
          // An entry of the log in the wrong place.
          findings.add(.altered(entry.sequence), isAfterEnd: isAfterEnd)
          continue
        }
        if entry.sequence == anchor.sequence, entry.code != anchor.code {
          // The keystore stores the code of another entry with this number. Somebody removed that
          // entry, and a later one got its number.
          findings.add(.missing(entry.sequence...entry.sequence), isAfterEnd: false)
        }
        try body(entry, end)
        expected = entry.sequence + 1
        lowest = expected
        code = entry.code
      }
    }
    let last = max(head.lastSequence, anchor.sequence)
    if expected <= last { findings.addLast(.missing(expected...last)) }
    return (findings.all, offset)
  }

  /// Returns the offset after the zeros at `offset`, up to the end that the head names. Counts in
  /// steps of 4 bytes, the size of a length, because the next entry may begin with a zero. Reads
  /// no holes, so that the time depends only on what the disk really has.
  private func endOfZeros(at start: UInt64, size: UInt64) throws -> UInt64 {
    // A step that is not complete is left.
    let limit = start + (min(size, head.end) - start) / 4 * 4
    var offset = start
    while offset < limit {
      guard let data = try file.data(in: Int64(offset)..<Int64(limit)) else { return limit }
      offset = start + (UInt64(data.lowerBound) - start) / 4 * 4
      let bytes = try window.bytes(
        Int(min(limit - offset, UInt64(AuditEntry.lengthLimit))), at: offset, of: size)
      if let index = bytes.firstIndex(where: { $0 != 0 }) {
        return max(offset + UInt64(index - bytes.startIndex) / 4 * 4, start + 4)
      }
      // The file was truncated meanwhile.
      if bytes.count < 4 { return limit }
      offset += UInt64(bytes.count) / 4 * 4
    }
    return max(limit, start + 4)
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

  /// True if there are only zeros after the head, as after a power failure. False if there are more
  /// zeros on the disk than the appends before the first head can leave. Holes do not count: they
  /// are not read.
  func hasOnlyZeros() throws -> Bool {
    var offset = Int64(AuditHead.length)
    let size = try file.status().size
    var rest = Self.limitOfZeros
    while offset < size, let data = try file.data(in: offset..<size) {
      let piece = try file.read(
        Int(min(Int64(data.count), Int64(AuditFile.pieceLength))), at: data.lowerBound)
      // The file was truncated meanwhile.
      if piece.isEmpty { return true }
      rest -= piece.count
      guard rest >= 0, piece.allSatisfy({ $0 == 0 }) else { return false }
      offset = data.lowerBound + Int64(piece.count)
    }
    return true
  }

  private static let limitOfZeros = 64 * AuditFile.pieceLength

  /// True if a part of the next entry is at the head's end, and nothing else: its length leads
  /// beyond the end of the file, and it has the next number. A process that died in its append
  /// leaves such bytes.
  func hasTornEntry() throws -> Bool {
    let size = UInt64(try file.status().size)
    guard size > head.end, size - head.end < 4 + UInt64(AuditEntry.lengthLimit) else {
      return false
    }
    var bytes = Array(try window.bytes(12, at: head.end, of: size))
    let next = withUnsafeBytes(of: (head.lastSequence + 1).bigEndian, Array.init)
    guard next.starts(with: bytes.dropFirst(4)) else { return false }
    // A part of a length is that of an entry if the smallest or the largest rest makes it one.
    let known = min(bytes.count, 4)
    bytes = Array(bytes.prefix(known))
    let missing = 4 - known
    let lowest = length(bytes + [UInt8](repeating: 0, count: missing))
    let highest = length(bytes + [UInt8](repeating: 0xff, count: missing))
    return lowest <= AuditEntry.lengthLimit && highest > AuditEntry.codeLength * 2 + 8
      && UInt64(highest) + 4 > size - head.end
  }

  private func length(_ bytes: some Sequence<UInt8>) -> UInt32 {
    bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  private func find(at offset: UInt64, size: UInt64) throws -> Found {
    guard size >= offset + 4 else { return .nothing }
    let prefix = try window.bytes(4, at: offset, of: size)
    guard prefix.count == 4 else { return .nothing }
    let length = length(prefix)
    if length == 0 { return .zeros }
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
