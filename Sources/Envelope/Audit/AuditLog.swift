import Glibc
import SystemPackage

/// The audit log beside a keystore: a head, then entries that form a chain of authentication codes.
///
/// A file of its own, because an append must not wait for the disk, and what a power failure leaves of
/// it must not be the keystore's concern. An append is one write behind the entries and one of the
/// head, under a lock of the file.
final class AuditLog: Sendable {
  let path: FilePath
  /// Without it the log can be read, unverified.
  let key: AuditKey?

  /// Of a file that is made.
  private let permissions: mode_t
  static let ownerOnly: mode_t = 0o600

  init(
    at path: FilePath, key: consuming AuditKey, permissions: mode_t = AuditLog.ownerOnly
  ) {
    self.path = path
    self.key = consume key
    self.permissions = permissions
  }

  /// A log whose keystore is locked: what it says can be shown.
  init(reading path: FilePath) {
    self.path = path
    key = nil
    permissions = Self.ownerOnly
  }

  /// The log of a keystore.
  static func path(beside keystore: FilePath) -> FilePath {
    FilePath(keystore.string + "-audit")
  }

  /// Appends records in their order. `anchor` says where the log last was when the keystore knew: a
  /// log that is not there any more goes on from it, and its beginning is missing. Returns the number
  /// of the last record.
  @discardableResult
  func append(
    _ records: [AuditRecord], after anchor: () throws -> AuditAnchor
  ) throws -> UInt64 {
    let file = try lockedFile(creating: true)
    defer { file.unlock() }
    var head = try readHead(of: file) ?? AuditHead.start(after: anchor())
    try recover(&head, in: file)
    let end = Int64(head.end)
    try file.write(try entries(of: records, after: &head), at: end)
    try file.write(try sealed(head), at: 0)
    return head.lastSequence
  }

  /// The number of the last record, unverified where the log is only read; nil where there is none.
  func lastSequence() throws -> UInt64? {
    guard try FileStatus.at(path) != nil else { return nil }
    let file = try lockedFile(creating: false)
    defer { file.unlock() }
    return try readHead(of: file)?.lastSequence
  }

  /// Has the log go on behind `anchor`, where it ends before it: what was between is missing.
  func advance(to anchor: AuditAnchor) throws {
    let file = try lockedFile(creating: false)
    defer { file.unlock() }
    guard var head = try readHead(of: file) else { return }
    try recover(&head, in: file)
    guard head.lastSequence < anchor.sequence else { return }
    head.lastSequence = anchor.sequence
    head.lastCode = anchor.code
    try file.write(try sealed(head), at: 0)
  }

  /// Where the log is now, for the keystore to remember; nil where there is none yet. On the disk when
  /// this returns.
  func anchor() throws -> AuditAnchor? {
    guard let file = try? lockedFile(creating: false) else { return nil }
    defer { file.unlock() }
    guard let head = try readHead(of: file) else { return nil }
    try file.synchronize()
    return AuditAnchor(sequence: head.lastSequence, code: head.lastCode)
  }

  /// Hands every entry to `body` in order, and then what is wrong with the log. Nothing is thrown for
  /// an altered or missing entry: what comes after it is read too.
  func read(
    after anchor: AuditAnchor, _ body: (AuditEntry) throws -> Void
  ) throws -> [AuditDamage] {
    guard try FileStatus.at(path) != nil else {
      return anchor.sequence > 0 ? [.missing(1...anchor.sequence)] : []
    }
    let file = try lockedFile(creating: false)
    defer { file.unlock() }
    let head: AuditHead
    do {
      head = try readHead(of: file) ?? AuditHead.start(after: anchor)
    } catch AuditError.damaged(let damage) {
      return damage
    }
    return try AuditReader(file: file, head: head, log: self).read(anchor: anchor, body)
  }

  /// Drops the entries from before `date` (milliseconds since 1970). The chain stays checkable: the
  /// head says where it begins now. Returns how many were dropped.
  func prune(before date: Int64, after anchor: AuditAnchor) throws -> Int {
    guard try FileStatus.at(path) != nil else { return 0 }
    let file = try lockedFile(creating: false)
    defer { file.unlock() }
    guard let head = try readHead(of: file) else { return 0 }
    let pruning = AuditPruning(head, before: date)
    let damage = try AuditReader(file: file, head: head, log: self).read(
      anchor: anchor, pruning.take)
    // What is damaged is evidence, and stays.
    guard damage.isEmpty else { throw AuditError.damaged(damage) }
    guard pruning.droppedCount > 0 else { return 0 }
    let output = try OutputFile(
      path, replacing: true, permissions: permissions, leftovers: Leftovers())
    // A span of a value that nobody holds crashes the compiler.
    let bytes = try sealed(pruning.head) + pruning.kept.bytes
    try output.write(bytes.span.bytes)
    try output.commit(synchronizing: true)
    return pruning.droppedCount
  }

  // MARK: The file

  func lockedFile(creating: Bool) throws -> AuditFile {
    let file = try AuditFile(path, creating: creating ? permissions : nil)
    try file.lock()
    // Pruning puts another file in its place.
    if try isInPlace(file) { return file }
    file.unlock()
    return try lockedFile(creating: creating)
  }

  func isInPlace(_ file: AuditFile) throws -> Bool {
    guard let status = try FileStatus.at(path) else { return false }
    return status.isSameFile(as: try file.status())
  }

  /// Nil in a file that was just made: the head is written behind the first entries, and before it is
  /// there are zeros, or nothing. Throws `AuditError.damaged` where the head does not verify.
  func readHead(of file: AuditFile) throws -> AuditHead? {
    let bytes = try file.read(AuditHead.length, at: 0)
    if bytes.allSatisfy({ $0 == 0 }) { return nil }
    guard let head = try opened(bytes) else { throw AuditError.damaged([.head]) }
    return head
  }

  /// Brings the head up to what the file holds: entries whose head was not written before the process
  /// died are taken in, and half an entry at the end is cut off.
  private func recover(_ head: inout AuditHead, in file: AuditFile) throws {
    let size = try UInt64(file.status().size)
    if size == head.end || size < UInt64(AuditHead.length) { return }
    if size < head.end {
      // The end of the file is lost. What is there stays, what is damaged too, and the gap shows.
      try AuditReader(file: file, head: head, log: self).retreat(into: &head)
    } else {
      try AuditReader(file: file, head: head, log: self).adopt(into: &head, size: size)
    }
    try file.truncate(to: Int64(head.end))
  }
}

/// What is kept of a log, and what its head says then.
private final class AuditPruning {
  private(set) var head: AuditHead
  private(set) var kept = WireWriter()
  private(set) var droppedCount = 0
  private let date: Int64

  init(_ head: AuditHead, before date: Int64) {
    self.head = head
    self.date = date
  }

  func take(_ entry: AuditEntry) throws {
    if kept.bytes.isEmpty, entry.record.time < date {
      droppedCount += 1
      head.firstSequence = entry.sequence + 1
      head.baseCode = entry.code
      head.prunedThrough = entry.sequence
    } else {
      try AuditEntry.append(entry, to: &kept)
    }
    head.lastSequence = entry.sequence
    head.lastCode = entry.code
    head.end = UInt64(AuditHead.length + kept.bytes.count)
  }
}

/// A number and a code that the keystore remembers of its log.
struct AuditAnchor: Equatable {
  var sequence: UInt64
  var code: [UInt8]

  /// Of a keystore that never had a log.
  static let none = AuditAnchor(
    sequence: 0, code: [UInt8](repeating: 0, count: AuditEntry.codeLength))
}

/// What is wrong with an audit log.
public enum AuditDamage: Equatable, Sendable {
  /// The head does not verify, so nothing of the log does.
  case head
  /// Entries that were there are not.
  case missing(ClosedRange<UInt64>)
  /// An entry that does not verify, by where it stands.
  case altered(UInt64)
  /// Bytes between entries, or behind them, that are none.
  case unreadable(afterEntry: UInt64)
}

public enum AuditError: Error, Equatable, Sendable {
  case damaged([AuditDamage])
}
