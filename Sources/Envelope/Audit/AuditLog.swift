import Glibc
import Synchronization
import SystemPackage

/// The audit log beside a keystore: a head, then entries that form a chain of authentication codes.
///
/// A file of its own, because an append must not wait for the disk, and what a power failure leaves of
/// it must not be the keystore's concern. An append is one write after the entries and one of the head,
/// under a lock of the file. Entries that a head knows are never written again, so nothing else needs the
/// lock: a reader takes the head, and reads up to where that ends.
final class AuditLog: Sendable {
  let path: FilePath
  /// Without it the log can be read, unverified.
  let key: AuditKey?

  /// Of a file that is made.
  private let permissions: mode_t
  /// For how long an append waits for a lock that another process holds.
  private let patience: Duration
  private let state = Mutex(State())

  private struct State {
    var place: AuditPlace?
    /// The file that was appended to last.
    var file: AuditFile?
    /// True if the last append waited in vain. Until one succeeds, the next ones do not wait as long.
    var isHeldUp = false
  }

  static let ownerOnly: mode_t = 0o600
  static let patience = Duration.seconds(5)
  /// For how long those wait that have waited in vain before, and those that have something else to do.
  static let shortPatience = Duration.milliseconds(100)

  init(
    at path: FilePath, key: consuming AuditKey, permissions: mode_t = AuditLog.ownerOnly,
    patience: Duration = AuditLog.patience
  ) {
    self.path = path
    self.key = consume key
    self.permissions = permissions
    self.patience = patience
  }

  /// A log whose keystore is locked: what it says can be shown.
  init(reading path: FilePath) {
    self.path = path
    key = nil
    permissions = Self.ownerOnly
    patience = Self.patience
  }

  /// The log of a keystore.
  static func path(beside keystore: FilePath) -> FilePath {
    FilePath(keystore.string + "-audit")
  }

  // MARK: Writing

  /// Appends records in their order. `anchor` says where the log last was when the keystore knew: a
  /// log that is not there any more goes on from it, and its beginning is missing. Returns the number
  /// of the last record. Throws `AuditError.locked` if another process holds a lock for too long; without
  /// `waiting` that is soon.
  @discardableResult
  func append(
    _ records: [AuditRecord], waiting: Bool = true, after anchor: () throws -> AuditAnchor
  ) throws -> UInt64 {
    try locked(creating: true, waiting: waiting) { file, _ in
      var head = try readHead(of: file) ?? AuditHead.start(after: anchor())
      try recover(&head, in: file)
      let end = Int64(head.end)
      try file.write(try entries(of: records, after: &head), at: end)
      try file.write(try sealed(head), at: 0)
      return head.lastSequence
    }
  }

  /// Has the log go on after `anchor`, if it ends before it: what was between is missing.
  func advance(to anchor: AuditAnchor) throws {
    try locked(creating: false, waiting: true) { file, _ in
      guard var head = try readHead(of: file) else { return }
      try recover(&head, in: file)
      guard head.lastSequence < anchor.sequence else { return }
      head.lastSequence = anchor.sequence
      head.lastCode = anchor.code
      try file.write(try sealed(head), at: 0)
    }
  }

  /// Runs `body` with the file that has the log's name, locked.
  private func locked<Value>(
    creating: Bool, waiting: Bool, _ body: (AuditFile, AuditPlace) throws -> Value
  ) throws -> Value {
    try state.withLock { state in
      let place = try place(&state)
      let patience = waiting && !state.isHeldUp ? patience : min(patience, Self.shortPatience)
      let deadline = ContinuousClock.now + patience
      var rounds = 0
      while true {
        rounds += 1
        let file =
          try state.file ?? AuditFile(writing: place, creating: creating ? permissions : nil)
        state.file = nil
        do {
          try file.lock(patience: deadline - ContinuousClock.now)
        } catch AuditError.locked(let path) {
          state.file = file
          state.isHeldUp = true
          throw AuditError.locked(path)
        }
        defer { file.unlock() }
        // Pruning puts another file in its place.
        if let status = try place.status(), status.isSameFile(as: try file.status()) {
          state.file = file
          state.isHeldUp = false
          return try body(file, place)
        }
        guard rounds < 10 || ContinuousClock.now < deadline else { throw AuditError.locked(path) }
      }
    }
  }

  func place() throws -> AuditPlace { try state.withLock { try place(&$0) } }

  /// The directory is opened once: wherever its name leads later, the log is the one in there.
  private func place(_ state: inout State) throws(IOError) -> AuditPlace {
    if let place = state.place { return place }
    let place = try AuditPlace(path)
    state.place = place
    return place
  }

  /// Nil in a file that was just made: the head is written after the first entries, and before it is
  /// there are zeros, or nothing. Throws `AuditError.damaged` if the head does not verify.
  private func readHead(of file: AuditFile) throws -> AuditHead? {
    try head(in: try file.read(AuditHead.length, at: 0))
  }

  private func head(in bytes: [UInt8]) throws -> AuditHead? {
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

  // MARK: Reading

  /// The file as it is now; nil if there is none. It stays whole if pruning puts another in its place.
  func openedForReading() throws -> AuditFile? {
    let place: AuditPlace
    do {
      place = try self.place()
    } catch let error as IOError {
      guard [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) else { throw error }
      return nil
    }
    return try AuditFile.reading(place)
  }

  /// The head of a file that others may be appending to. Throws `AuditError.damaged` if it does not verify.
  func settledHead(of file: AuditFile) throws -> AuditHead? {
    try head(in: try settledHeadBytes(of: file))
  }

  /// A writer may be half through the head: then it is read again.
  func settledHeadBytes(of file: AuditFile) throws -> [UInt8] {
    var bytes = try file.read(AuditHead.length, at: 0)
    for _ in 0..<1000 {
      let again = try file.read(AuditHead.length, at: 0)
      if again == bytes { break }
      bytes = again
    }
    return bytes
  }

  /// The number of the last record, unverified if the log is only read; nil if there is none.
  func lastSequence() throws -> UInt64? {
    guard let file = try openedForReading() else { return nil }
    return try settledHead(of: file)?.lastSequence
  }

  /// The end of the log as it is now, for the keystore to remember; nil if there is no log yet. On the disk when
  /// this returns.
  func anchor() throws -> AuditAnchor? {
    guard let file = try openedForReading(), let head = try settledHead(of: file) else {
      return nil
    }
    try file.synchronize()
    return AuditAnchor(sequence: head.lastSequence, code: head.lastCode)
  }

  /// Hands every entry to `body` in order, and then what is wrong with the log. Nothing is thrown for
  /// an altered or missing entry: what comes after it is read too.
  func read(
    after anchor: AuditAnchor, _ body: (AuditEntry) throws -> Void
  ) throws -> [AuditDamage] {
    guard let file = try openedForReading() else {
      return anchor.sequence > 0 ? [.missing(1...anchor.sequence)] : []
    }
    let head: AuditHead
    do {
      head = try settledHead(of: file) ?? AuditHead.start(after: anchor)
    } catch AuditError.damaged(let damage) {
      return damage
    }
    return try AuditReader(file: file, head: head, log: self).read(anchor: anchor) { entry, _ in
      try body(entry)
    }
  }

  /// Runs `body` under the lock if the file ends as it did when `head` was read: what is after that head
  /// is then of a process that died. False if not, and also if another process holds the lock.
  func ifSettled(
    _ file: AuditFile, since head: AuditHead, _ body: () throws -> Void = {}
  ) throws -> Bool {
    guard (try? file.lock(patience: min(patience, Self.shortPatience))) != nil else { return false }
    defer { file.unlock() }
    let now = (try? readHead(of: file)) ?? head
    guard now.lastSequence == head.lastSequence, now.end == head.end else { return false }
    try body()
    return true
  }

  // MARK: Replacing

  /// Runs `body` with the log's file, locked, its head and its place, if the log is still `file`.
  func replacing<Value>(
    _ file: AuditFile, _ body: (AuditFile, AuditHead, AuditPlace) throws -> Value
  ) throws -> Value {
    try locked(creating: false, waiting: true) { current, place in
      guard try current.status().isSameFile(as: try file.status()),
        var head = try readHead(of: current)
      else { throw FileRuleError.changed(path) }
      try recover(&head, in: current)
      return try body(current, head, place)
    }
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
  /// Another process holds a lock of the file, and has not let go of it for as long as we wait.
  case locked(FilePath)
  /// Something else than a regular file has the log's name.
  case notAFile(FilePath)
}
