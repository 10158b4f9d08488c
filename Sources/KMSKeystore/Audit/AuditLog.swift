import Envelope
import Glibc
import Synchronization
import SystemPackage

/// The audit log beside a keystore: a head, then entries that form a chain of authentication codes.
///
/// The log is a separate file because an append must not wait for the disk, and because damage by a
/// power failure must not affect the keystore. An append locks the file, writes the new entries
/// after the others, and then writes the head. Entries before the end that a head names never
/// change. So readers need no lock: they read the head, and then the entries up to that end.
package final class AuditLog: Sendable {
  package let path: FilePath
  /// The key of the log, which writes and verifies its codes.
  let key: AuditKey

  /// The mode of a new log file.
  private let permissions: mode_t
  /// The time that an append waits for a lock that another process holds.
  package let patience: Duration
  private let state = Mutex(State())

  private struct State {
    var place: AuditPlace?
    /// The file of the last append.
    var file: AuditFile?
    /// True if the last append did not get the lock in time. Later appends wait only for a short
    /// time, until one of them gets the lock.
    var hasTimedOut = false
  }

  static let ownerOnly: mode_t = 0o600
  static let patience = Duration.seconds(5)
  /// The time to wait for the lock after an earlier append did not get it, and for callers that do
  /// not need the lock.
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

  /// Returns the path of a keystore's log.
  package static func path(beside keystore: FilePath) -> FilePath {
    FilePath(keystore.string + fileSuffix)
  }

  static let fileSuffix = "-audit"

  // MARK: Writing

  /// Appends records in their order, and returns the new end of the log. `anchor` returns the end
  /// of the log that the keystore knows. If the log was removed, or replaced by an older one, the
  /// new entries are numbered after that end, and the entries between count as missing. Throws
  /// `AuditError.locked` if another process holds the lock for too long, or for a short time if
  /// `waiting` is false.
  @discardableResult
  func append(
    _ records: [AuditRecord], waiting: Bool = true, after anchor: () throws -> AuditAnchor
  ) throws -> AuditAnchor {
    try locked(creating: true, waiting: waiting) { file, _ in
      var head: AuditHead
      if let found = try readHead(of: file) {
        head = found
        try recover(&head, in: file)
        // If the anchor in the keystore was edited, `keystore check` reports that.
        if let anchor = try? anchor() { try advance(&head, to: anchor, in: file) }
      } else {
        head = AuditHead.start(after: try anchor())
        try requireNew(file, head)
        try recover(&head, in: file)
      }
      let (end, size) = (Int64(head.end), try file.status().size)
      do {
        try file.write(try entries(of: records, after: &head), at: end)
        try file.write(try serialize(head), at: 0)
      } catch {
        // Leave no partial entry in the log.
        try? file.truncate(to: size)
        throw error
      }
      return AuditAnchor(sequence: head.lastSequence, code: head.lastCode)
    }
  }

  /// Makes the log continue after `anchor` if it ends before the anchor. The entries between are
  /// missing.
  func advance(to anchor: AuditAnchor) throws {
    try locked(creating: false, waiting: true) { file, _ in
      guard var head = try readHead(of: file) else { return }
      try recover(&head, in: file)
      try advance(&head, to: anchor, in: file)
    }
  }

  private func advance(
    _ head: inout AuditHead, to anchor: AuditAnchor, in file: AuditFile
  ) throws {
    guard head.lastSequence < anchor.sequence else { return }
    head.lastSequence = anchor.sequence
    head.lastCode = anchor.code
    try file.write(try serialize(head), at: 0)
  }

  /// Runs `body` with the file that has the log's name, while the file is locked.
  private func locked<Value>(
    creating: Bool, waiting: Bool, _ body: (AuditFile, AuditPlace) throws -> Value
  ) throws -> Value {
    try state.withLock { state in
      let place = try place(&state)
      let patience = waiting && !state.hasTimedOut ? patience : min(patience, Self.shortPatience)
      let deadline = ContinuousClock.now + patience
      var attempts = 0
      while true {
        attempts += 1
        let file =
          try state.file ?? AuditFile(writing: place, creating: creating ? permissions : nil)
        state.file = nil
        do {
          try file.lock(patience: deadline - ContinuousClock.now)
        } catch AuditError.locked(let path) {
          state.file = file
          state.hasTimedOut = true
          throw AuditError.locked(path)
        }
        defer { file.unlock() }
        // Pruning puts another file in the log's place.
        if let status = try place.status(), status.isSameFile(as: try file.status()) {
          state.file = file
          state.hasTimedOut = false
          return try body(file, place)
        }
        guard attempts < 10 || ContinuousClock.now < deadline else { throw AuditError.locked(path) }
      }
    }
  }

  package func place() throws -> AuditPlace { try state.withLock { try place(&$0) } }

  /// Opens the directory once, so that the log stays the one in that directory even if the
  /// directory's name leads elsewhere later.
  private func place(_ state: inout State) throws(IOError) -> AuditPlace {
    if let place = state.place { return place }
    let place = try AuditPlace(path)
    state.place = place
    return place
  }

  /// Checks a file that has zeros in place of a head. Throws `AuditError.damaged` unless a valid
  /// entry, a part of the first one or only zeros follow them, because `recover` cuts off all other
  /// bytes.
  private func requireNew(_ file: AuditFile, _ head: AuditHead) throws {
    let reader = AuditReader(file: file, head: head, log: self)
    var adopted = head
    try reader.adopt(into: &adopted, size: UInt64(file.status().size))
    guard adopted == head, try !reader.hasTornEntry(), try !reader.hasOnlyZeros() else { return }
    throw AuditError.damaged([.head])
  }

  /// Makes the head match the file. Adds entries of a process that died before it wrote the head,
  /// and cuts off a partial entry at the end.
  private func recover(_ head: inout AuditHead, in file: AuditFile) throws {
    let size = try UInt64(file.status().size)
    if size == head.end || size < UInt64(AuditHead.length) { return }
    if size < head.end {
      // The end of the file is lost. The remaining entries stay, even damaged ones, and the gap is
      // reported.
      try AuditReader(file: file, head: head, log: self).retreat(into: &head)
    } else {
      try AuditReader(file: file, head: head, log: self).adopt(into: &head, size: size)
    }
    try file.truncate(to: Int64(head.end))
  }
}

// MARK: Reading

/// A log that can be read: with its key, which verifies it (`AuditLog`), or without
/// (`UnverifiedAuditLog`).
package protocol AuditLogReading: Sendable {
  var path: FilePath { get }
  /// The time to wait for a lock that another process holds.
  var patience: Duration { get }
  /// True if the file may also have other names (hard links).
  var mayHaveOtherNames: Bool { get }
  func place() throws -> AuditPlace
  /// Parses a head that `AuditLog.serialize` made. Returns nil if its code is not valid, or if the
  /// bytes are not a head.
  func parseHead(_ bytes: [UInt8]) throws -> AuditHead?
  /// True if the entry belongs to the log.
  func accepts(_ entry: AuditEntry) throws -> Bool
}

extension AuditLogReading {
  /// Opens the log for reading; nil if there is none. The open file stays complete even if pruning
  /// puts another file in its place.
  func openedForReading() throws -> AuditFile? {
    let place: AuditPlace
    do {
      place = try self.place()
    } catch let error as IOError {
      guard [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) else { throw error }
      return nil
    }
    return try AuditFile.reading(place, mayHaveOtherNames: mayHaveOtherNames)
  }

  /// Reads the head. Nil in a new file, which has zeros or nothing in its place: the head is
  /// written after the first entries. Throws `AuditError.damaged` if the head is not accepted.
  fileprivate func readHead(of file: AuditFile) throws -> AuditHead? {
    try head(in: try file.read(AuditHead.length, at: 0))
  }

  private func head(in bytes: [UInt8]) throws -> AuditHead? {
    if bytes.allSatisfy({ $0 == 0 }) { return nil }
    guard let head = try parseHead(bytes) else { throw AuditError.damaged([.head]) }
    return head
  }

  /// Reads the head while others may be appending. Throws `AuditError.damaged` if it is not
  /// accepted.
  func settledHead(of file: AuditFile) throws -> AuditHead? {
    try head(in: try settledHeadBytes(of: file))
  }

  /// Reads the head until two reads give the same bytes, because a writer may be in the middle of
  /// it.
  func settledHeadBytes(of file: AuditFile) throws -> [UInt8] {
    var bytes = try file.read(AuditHead.length, at: 0)
    for _ in 0..<1000 {
      let again = try file.read(AuditHead.length, at: 0)
      if again == bytes { break }
      bytes = again
    }
    return bytes
  }

  /// Returns the number of the last record; nil if there is none.
  package func lastSequence() throws -> UInt64? {
    guard let file = try openedForReading() else { return nil }
    return try settledHead(of: file)?.lastSequence
  }

  /// Passes every valid entry to `body`, in order. Returns the damage of the log. Altered or
  /// missing entries are not an error: the entries after them are read, too.
  package func read(
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

  /// Locks the file, and runs `body` if the log still has the same end as `head`. Then no process
  /// is writing, and all bytes after that end come from a process that died. Returns false if the
  /// end has changed, if the head is not valid any more, or if another process holds the lock.
  func ifSettled(
    _ file: AuditFile, since head: AuditHead, _ body: () throws -> Void = {}
  ) throws -> Bool {
    do {
      try file.lock(patience: min(patience, AuditLog.shortPatience))
    } catch AuditError.locked {
      return false
    }
    defer { file.unlock() }
    guard try names(sameEndAs: head, try file.read(AuditHead.length, at: 0)) else { return false }
    try body()
    return true
  }

  private func names(sameEndAs head: AuditHead, _ bytes: [UInt8]) throws -> Bool {
    // A file without a head has only entries of processes that died.
    if bytes.allSatisfy({ $0 == 0 }) { return head.end == UInt64(AuditHead.length) }
    guard let now = try parseHead(bytes) else { return false }
    return now.lastSequence == head.lastSequence && now.end == head.end
  }
}

extension AuditLog {
  /// Returns the end of the log for the keystore to store; nil if there is no log yet. The log is
  /// on the disk when this function returns.
  func anchor() throws -> AuditAnchor? {
    guard let file = try openedForReading(), let head = try settledHead(of: file) else {
      return nil
    }
    try file.synchronize()
    return AuditAnchor(sequence: head.lastSequence, code: head.lastCode)
  }

  // MARK: Replacing

  /// Runs `body` with the log's file, its head and its place, under the lock. Throws
  /// `FileRuleError.changed` if `file` is no longer the log.
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

/// The end of an audit log: the number and the code of its last entry. The keystore stores the end
/// that it knows, so a check notices if entries up to that end were removed.
package struct AuditAnchor: Equatable {
  var sequence: UInt64
  var code: [UInt8]

  /// The anchor of a keystore that never had a log.
  package static let none = AuditAnchor(
    sequence: 0, code: [UInt8](repeating: 0, count: AuditEntry.codeLength))
}

/// A kind of damage to an audit log.
package enum AuditDamage: Equatable, Sendable {
  /// The head does not verify, so no entry can be trusted.
  case head
  /// Entries with these numbers are missing. The log may have an entry with such a number, but it
  /// is not the one whose code the keystore stores.
  case missing(ClosedRange<UInt64>)
  /// An entry that does not verify, with the number expected in its place; or a valid entry in the
  /// wrong place, with its own number.
  case altered(UInt64)
  /// Bytes after this entry that are not an entry. Reading stopped there.
  case unreadable(afterEntry: UInt64)
}

package enum AuditError: Error, Equatable, Sendable {
  case damaged([AuditDamage])
  /// Another process held a lock of the file for too long.
  case locked(FilePath)
  /// The file with the log's name is not a regular file.
  case notAFile(FilePath)
  /// Somebody else may have put the file there, or can write to it.
  case foreign(FilePath, AuditFileFault)
}
