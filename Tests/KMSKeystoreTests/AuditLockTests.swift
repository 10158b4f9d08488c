import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import TestSupport

/// Other programs act on the log's file while we use it: they lock it, append to it, or put another
/// file under its name.
@Suite struct AuditLockTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("log") }

  init() throws {
    directory = try TemporaryDirectory()
    try append(1...3)
  }

  func log(patience: Duration = .milliseconds(20)) -> AuditLog {
    Self.log(at: path, patience: patience)
  }

  static func log(at path: FilePath, patience: Duration = .milliseconds(20)) -> AuditLog {
    AuditLog(
      at: path, key: AuditKey(bytes: SecretBytes([UInt8](repeating: 1, count: 32))),
      patience: patience)
  }

  func append(_ numbers: ClosedRange<Int>) throws {
    try log(patience: .seconds(60)).append(
      numbers.map(AuditRecord.numbered), after: { .none })
  }

  func numbers(_ log: (any AuditLogReading)? = nil) throws -> [UInt64] {
    var numbers: [UInt64] = []
    let damage = try (log ?? self.log()).read(after: .none) { numbers.append($0.sequence) }
    #expect(damage.isEmpty)
    return numbers
  }

  /// Runs `body` while another open file holds a lock. Any process that may read the file can hold
  /// such a lock.
  func held(_ kind: Int32, _ body: () throws -> Void) throws {
    let other = open(path.string, O_RDONLY)
    #expect(flock(other, kind) == 0)
    defer { close(other) }
    try body()
  }

  // MARK: Locks

  @Test(arguments: [LOCK_SH, LOCK_EX])
  func noAppendWaitsForEver(kind: Int32) throws {
    let log = log()
    try held(kind) {
      for waiting in [true, false, true] {
        #expect(throws: AuditError.locked(path)) {
          try log.append([AuditRecord.numbered(4)], waiting: waiting, after: { .none })
        }
      }
      #expect(throws: AuditError.locked(path)) {
        try log.advance(to: AuditAnchor(sequence: 9, code: [UInt8](repeating: 0, count: 32)))
      }
      #expect(throws: AuditError.locked(path)) { try log.prune(before: 3000, after: .none) }
    }
    #expect(try numbers() == [1, 2, 3])
    try log.append([AuditRecord.numbered(4)], after: { .none })
    #expect(try numbers() == [1, 2, 3, 4])
    #expect(directory.names == ["log"])
  }

  @Test func anAppendGoesOnWhenTheLockIsGone() throws {
    let other = open(path.string, O_RDONLY)
    #expect(flock(other, LOCK_EX) == 0)
    let isStarted = startThread {
      usleep(50_000)
      close(other)
    }
    #expect(isStarted)
    try log(patience: .seconds(60)).append([AuditRecord.numbered(4)], after: { .none })
    #expect(try numbers() == [1, 2, 3, 4])
  }

  /// A reader neither needs nor holds a lock.
  @Test(arguments: [LOCK_SH, LOCK_EX])
  func nobodyWhoReadsWaits(kind: Int32) throws {
    try held(kind) {
      #expect(try numbers() == [1, 2, 3])
      #expect(try numbers(UnverifiedAuditLog(path)) == [1, 2, 3])
      #expect(try log().anchor()?.sequence == 3)
      #expect(try log().lastSequence() == 3)
      let copy = directory.path.appending("copy")
      try write([], to: copy)
      _ = try log().copy { AuditFile(try Self.openForWriting(copy)) }
      #expect(try contents(copy) == contents(path))
    }
  }

  @Test func nobodyWaitsForWhoReads() throws {
    var seen: [UInt64] = []
    let damage = try log().read(after: .none) { entry in
      // The writer does not wait for locks at all.
      try log(patience: .zero).append([AuditRecord.numbered(9)], after: { .none })
      seen.append(entry.sequence)
    }
    #expect(damage.isEmpty && seen.starts(with: [1, 2, 3]))
    #expect(try log().lastSequence() == 3 + UInt64(seen.count))
  }

  static func openForWriting(_ path: FilePath) throws -> Descriptor {
    let number = open(path.string, O_RDWR | O_CLOEXEC)
    try #require(number >= 0)
    return Descriptor(owning: number, path: path)
  }

  @Test func nobodyWaitsForACopy() throws {
    let copy = directory.path.appending("copy")
    try write([], to: copy)
    _ = try log().copy {
      try log(patience: .zero).append([AuditRecord.numbered(4)], after: { .none })
      return AuditFile(try Self.openForWriting(copy))
    }
    #expect(try contents(copy) == contents(path))
  }

  /// Any number of processes may append: a reader always sees a valid log.
  @Test func readersSeeAWholeLogWhileOthersAppend() async throws {
    let path = path
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          for number in 0..<100 {
            #expect(throws: Never.self) {
              try Self.log(at: path, patience: .seconds(60)).append(
                [AuditRecord.numbered(number)], after: { .none })
            }
          }
        }
      }
      for _ in 0..<2 {
        group.addTask {
          for _ in 0..<100 {
            var last: UInt64 = 0
            let damage = try? Self.log(at: path).read(after: .none) {
              #expect($0.sequence == last + 1)
              last = $0.sequence
            }
            #expect(damage == [] && last >= 3)
          }
        }
      }
    }
    #expect(try numbers().count == 303)
  }

  /// An incomplete entry after the end belongs either to a process that is still writing, or to a
  /// process that died. The lock shows which of the two it is.
  @Test func whatIsBeingWrittenIsNoDamage() throws {
    try write(try contents(path) + [0, 0, 0, 200, 1, 2, 3], to: path)
    try held(LOCK_EX) {
      let found = try numbers()
      #expect(found == [1, 2, 3])
    }
    #expect(try log().read(after: .none) { _ in } == [.unreadable(afterEntry: 3)])
    try append(4...4)
    #expect(try numbers() == [1, 2, 3, 4])
  }

  /// While a log is read, its head is overwritten with zeros or with bytes that do not verify. This
  /// counts as a change of the head, so the bytes after the old end are not judged yet.
  @Test(arguments: [UInt8(0), 0xFF])
  func aHeadThatCannotBeReadHasChanged(byte: UInt8) throws {
    let log = log()
    let file = try #require(try log.openedForReading())
    let head = try #require(try log.settledHead(of: file))
    #expect(try log.ifSettled(file, since: head))
    let whole = try contents(path)
    let spoiled = [UInt8](repeating: byte, count: AuditHead.length)
    try overwrite(spoiled + whole.dropFirst(AuditHead.length))
    var isDone = false
    let isSettled = try log.ifSettled(file, since: head) { isDone = true }
    #expect(!isSettled && !isDone)
    try overwrite(whole)
    #expect(try log.ifSettled(file, since: head))
  }

  /// Writes to the existing file instead of replacing it.
  private func overwrite(_ bytes: [UInt8]) throws {
    try Self.openForWriting(path).write(bytes.span.bytes)
  }

  // MARK: Other files under the log's name

  enum Stranger: CaseIterable { case directory, fifo, link, dangling, socket }

  func put(_ stranger: Stranger) throws {
    if try FileStatus.at(path, followingLinks: false) != nil {
      rename(path.string, path.string + "-log")
    }
    switch stranger {
    case .directory: mkdir(path.string, 0o700)
    case .fifo: mkfifo(path.string, 0o600)
    case .link:
      try write([], to: directory.path.appending("target"))
      symlink("target", path.string)
    case .dangling: symlink("nowhere", path.string)
    case .socket: mknod(path.string, S_IFSOCK | 0o600, 0)
    }
  }

  @Test(arguments: Stranger.allCases)
  func whatIsNotAFileIsNotALog(stranger: Stranger) throws {
    try put(stranger)
    let names = directory.names
    let uses: [() throws -> Void] = [
      { try log().append([AuditRecord.numbered(4)], after: { .none }) },
      { _ = try log().read(after: .none) { _ in } },
      { _ = try UnverifiedAuditLog(path).read(after: .none) { _ in } },
      { _ = try log().anchor() },
      { _ = try log().lastSequence() },
      { _ = try log().prune(before: 9000, after: .none) },
      { _ = try log().copy { throw CancelledError() } },
    ]
    for use in uses { #expect(throws: AuditError.notAFile(path)) { try use() } }
    #expect(try !UnverifiedAuditLog.continues(path, in: path))
    #expect(directory.names == names)
    if stranger == .link { #expect(try contents(directory.path.appending("target")).isEmpty) }
  }

  /// An open log follows its directory and not the path, which may lead elsewhere now.
  @Test func theDirectoryIsOpenedOnce() throws {
    let first = directory.path.appending("first")
    mkdir(first.string, 0o700)
    let log = AuditLog(
      at: first.appending("log"),
      key: AuditKey(bytes: SecretBytes([UInt8](repeating: 1, count: 32))))
    try log.append([AuditRecord.numbered(1)], after: { .none })
    rename(first.string, directory.path.appending("second").string)
    mkdir(first.string, 0o700)
    try log.append([AuditRecord.numbered(2)], after: { .none })
    #expect(try log.lastSequence() == 2)
    #expect(try log.prune(before: 2000, after: .none) == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: first.string).isEmpty)
    let moved = UnverifiedAuditLog(directory.path.appending("second/log"))
    #expect(try moved.lastSequence() == 2)
  }

  // MARK: Pruning

  @Test func pruningKeepsOwnerGroupAndMode() throws {
    chmod(path.string, 0o640)
    // Only root may change a file's owner.
    if getuid() == 0 { chown(path.string, 12_345, 23_456) }
    let before = try #require(try FileStatus.at(path))
    #expect(try log().prune(before: 3000, after: .none) == 2)
    let after = try #require(try FileStatus.at(path))
    #expect(!after.isSameFile(as: before))
    #expect(after.permissions == 0o640)
    #expect(after.owner == before.owner && after.group == before.group)
    #expect(try numbers() == [3])
  }

  @Test func whatIsAppendedDuringPruningIsKept() throws {
    let other = log(patience: .zero)
    try other.append([AuditRecord.numbered(4)], after: { .none })
    #expect(
      try log().prune(before: 3000, after: .none) {
        try other.append([AuditRecord.numbered(5), AuditRecord.numbered(6)], after: { .none })
      } == 2)
    #expect(try numbers() == [3, 4, 5, 6])
    // A writer that has the old file open finds the new file.
    try other.append([AuditRecord.numbered(7)], after: { .none })
    #expect(try numbers() == [3, 4, 5, 6, 7])
  }

  /// Somebody puts a link to another file, or another file, in the place of the log during pruning.
  @Test(arguments: [true, false])
  func pruningReplacesNothingElse(isLink: Bool) throws {
    let precious = directory.path.appending("precious")
    try write(Array("precious".utf8), to: precious)
    #expect(throws: (any Error).self) {
      try log().prune(before: 3000, after: .none) {
        rename(path.string, path.string + "-away")
        if isLink {
          symlink("precious", path.string)
        } else {
          rename(precious.string, path.string)
        }
      }
    }
    #expect(try contents(isLink ? precious : path) == Array("precious".utf8))
    #expect(directory.names.count == (isLink ? 3 : 2))
    #expect(directory.names.allSatisfy { !$0.hasPrefix(".") })
  }

  /// If two processes prune at the same time, one of them finds another file and reports it.
  @Test func theSameLogIsNotPrunedTwice() throws {
    #expect(throws: FileRuleError.changed(path)) {
      try log().prune(before: 3000, after: .none) {
        let count = try log().prune(before: 2000, after: .none)
        #expect(count == 1)
      }
    }
    #expect(try numbers() == [2, 3])
    #expect(directory.names == ["log"])
  }
}
