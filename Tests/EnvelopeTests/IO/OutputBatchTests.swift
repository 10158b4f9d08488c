import Foundation
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

/// Outputs that are synchronized to disk together, and the directories that are created for them.
@Suite struct OutputBatchTests {
  let directory: TemporaryDirectory
  let made = MadeDirectories()
  private let results = Results()

  /// The results of the outputs, as they were reported.
  private final class Results: Sendable {
    private let told = Mutex<[Int: Bool]>([:])
    func add(_ number: Int, _ result: Result<Void, any Error>) {
      told.withLock { told in
        #expect(told[number] == nil, "told twice")
        told[number] = (try? result.get()) != nil
      }
    }
    var good: [Int] { told.withLock { $0.filter(\.value).keys.sorted() } }
    var bad: [Int] { told.withLock { $0.filter { !$0.value }.keys.sorted() } }
  }

  init() throws { directory = try TemporaryDirectory() }

  private func add(_ number: Int, to batch: OutputBatch) throws {
    try Self.add(number, to: batch, in: directory.path, results)
  }

  private static func add(
    _ number: Int, to batch: OutputBatch, in directory: FilePath, _ results: Results
  ) throws {
    let file = try OutputFile(
      directory.appending("\(number)"), replacing: false, leftovers: Leftovers())
    try file.write([UInt8(truncatingIfNeeded: number)].span.bytes)
    batch.add(file, byteCount: 1) { results.add(number, $0) }
  }

  /// Counts below and above the limit for synchronizing one output at a time.
  @Test(arguments: [1, 2, 16, 17, 30])
  func namesAppearTogether(count: Int) throws {
    let batch = OutputBatch(synchronizing: true, directories: made)
    for number in 0..<count { try add(number, to: batch) }
    #expect(directory.names.isEmpty)
    #expect(results.good.isEmpty)
    #expect(batch.flush() == count)
    #expect(results.good == Array(0..<count))
    #expect(directory.names.count == count)
    for number in 0..<count {
      let path = directory.path.appending("\(number)")
      #expect(try contents(path) == [UInt8(truncatingIfNeeded: number)])
    }
    #expect(batch.flush() == 0)
    #expect(batch.finish().isEmpty)
  }

  @Test func aRunHoldsSoManyOpenAndNoMore() throws {
    let batch = OutputBatch(synchronizing: true, directories: made)
    for number in 0..<1200 { try add(number, to: batch) }
    #expect(results.good.count >= 600)
    #expect(batch.finish().isEmpty)
    #expect(results.good.count == 1200)
  }

  @Test func aLongWaitIsNotForThousandsOfBytes() throws {
    let batch = OutputBatch(synchronizing: true, directories: made)
    let file = try OutputFile(
      directory.path.appending("large"), replacing: false, leftovers: Leftovers())
    batch.add(file, byteCount: 1 << 40) { [results] in results.add(0, $0) }
    #expect(results.good == [0])
  }

  @Test(arguments: [3, 30])
  func oneThatFailsIsToldAndTheOthersAppear(count: Int) throws {
    let batch = OutputBatch(synchronizing: true, directories: made)
    for number in 0..<count { try add(number, to: batch) }
    try Data([9]).write(to: URL(fileURLWithPath: directory.path.appending("1").string))
    batch.flush()
    #expect(results.bad == [1])
    #expect(results.good.count == count - 1)
    #expect(try contents(directory.path.appending("1")) == [9])
  }

  @Test func unsynchronizedNamesAppearAtOnce() throws {
    let batch = OutputBatch(synchronizing: false, directories: made)
    try add(0, to: batch)
    #expect(directory.names == ["0"])
    #expect(results.good == [0])
    #expect(batch.finish().isEmpty)
  }

  @Test func whatIsAbandonedLeavesNothing() throws {
    do {
      let batch = OutputBatch(synchronizing: true, directories: made)
      for number in 0..<20 { try add(number, to: batch) }
    }
    #expect(directory.names.isEmpty)
  }

  @Test func severalThreadsShareOne() throws {
    let batch = OutputBatch(synchronizing: true, directories: made)
    DispatchQueue.concurrentPerform(iterations: 8) { [path = directory.path, results] thread in
      for number in thread * 100..<thread * 100 + 100 {
        do {
          try Self.add(number, to: batch, in: path, results)
        } catch {
          Issue.record(error)
        }
      }
    }
    #expect(batch.finish().isEmpty)
    #expect(results.good == Array(0..<800))
  }

  // MARK: Directories

  private func permissions(_ name: String) throws -> mode_t? {
    try FileStatus.at(directory.path.pushing(FilePath(name)))?.permissions
  }

  /// Includes modes from which the umask would take bits, and modes that deny the owner write
  /// access.
  @Test(arguments: [0o700, 0o755, 0o775, 0o777, 0o711, 0o555, 0o500, 0o511, 0o750] as [mode_t])
  func directoriesGetTheirPermissions(mode: mode_t) throws {
    let output = try OutputDirectory(directory.path, recording: made)
    let batch = OutputBatch(synchronizing: true, directories: made)
    for (number, name) in ["a/b/one", "a/b/two", "a/three"].enumerated() {
      let file = try OutputFile(
        FilePath(name), below: output,
        directoryPermissions: name == "a/three" ? [mode] : [mode, mode], replacing: false,
        permissions: 0o640, leftovers: Leftovers())
      for name in ["a", "a/b"] {
        // At no time may group or others have more access than at the end.
        if let now = try permissions(name) { #expect(now & 0o077 == mode & 0o077) }
      }
      batch.add(file, byteCount: 0) { [results] in results.add(number, $0) }
    }
    #expect(batch.finish().isEmpty)
    #expect(results.good == [0, 1, 2])
    #expect(try permissions("a") == mode)
    #expect(try permissions("a/b") == mode)
    #expect(try permissions("a/b/two") == 0o640)
    // So that the temporary directory can be removed.
    chmod(directory.path.appending("a").string, 0o700)
    chmod(directory.path.appending("a/b").string, 0o700)
  }

  @Test func aDirectoryThatIsThereStaysAsItIs() throws {
    mkdir(directory.path.appending("a").string, 0o700)
    chmod(directory.path.appending("a").string, 0o2751)
    let output = try OutputDirectory(directory.path, recording: made)
    _ = try output.directory("a/b", permissions: [0o777, 0o755])
    #expect(made.finish(synchronizing: true).isEmpty)
    #expect(try permissions("a") == 0o751)
    #expect(try FileStatus.at(directory.path.appending("a"))?.specialBits == 0o2000)
    // The new directory inherits the set-group-ID bit from its parent directory and keeps it.
    #expect(try permissions("a/b") == 0o755)
    #expect(try FileStatus.at(directory.path.appending("a/b"))?.specialBits == 0o2000)
  }

  // MARK: Places

  /// The output directory is held open: its name may lead elsewhere when the file gets its own
  /// name.
  @Test(arguments: [true, false])
  func anOutputStaysInItsDirectory(isReplacing: Bool) throws {
    let (inside, outside) = (directory.path.appending("in"), directory.path.appending("outside"))
    try createDirectories(inside)
    try createDirectories(outside)
    for place in [inside, outside] where isReplacing {
      try Data([7]).write(to: URL(fileURLWithPath: place.appending("file").string))
    }
    let leftovers = Leftovers()
    let file = try OutputFile(
      inside.appending("file"), replacing: isReplacing, leftovers: leftovers)
    try file.write(([1] as [UInt8]).span.bytes)
    rename(inside.string, directory.path.appending("moved").string)
    symlink("outside", inside.string)
    try file.commit()
    #expect(try contents(directory.path.appending("moved/file")) == [1])
    let other = outside.appending("file")
    #expect(try (FileStatus.at(other) != nil) == isReplacing)
    if isReplacing { #expect(try contents(other) == [7]) }
  }

  @Test func aFileInPlaceThatChangedIsNotReplaced() throws {
    let path = directory.path.appending("file")
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path.string))
    let (place, status) = try FilePlace.following(path)
    let original = try #require(status)
    let file = try OutputFile(inPlaceOf: place, original, leftovers: Leftovers())
    try file.write(([9] as [UInt8]).span.bytes)
    // Writes other bytes to the same file; size and modification time stay the same.
    let number = open(path.string, O_WRONLY)
    #expect(pwrite(number, [4 as UInt8, 5, 6], 3, 0) == 3)
    var times = [original.accessTime, original.modificationTime]
    #expect(futimens(number, &times) == 0)
    close(number)
    #expect(throws: FileRuleError.changed(path)) { try file.commit() }
    #expect(try contents(path) == [4, 5, 6])
    let now = try #require(try FileStatus.at(path))
    #expect(now.size == original.size)
    #expect(now.modificationTime.tv_nsec == original.modificationTime.tv_nsec)
    #expect(!now.isUnchanged(since: original))
    #expect(now.isUnchanged(since: now))
  }

  @Test func linksAreFollowedOneAfterTheOther() throws {
    try createDirectories(directory.path.appending("a/b"))
    symlink("a/link", directory.path.appending("first").string)
    symlink("b/../b/file", directory.path.appending("a/link").string)
    let (place, existing) = try FilePlace.following(directory.path.appending("first"))
    #expect(existing == nil)
    #expect(place.name == "file")
    let there = try #require(try FileStatus.at(directory.path.appending("a/b")))
    #expect(try place.directory.status().isSameFile(as: there))
    symlink("loop", directory.path.appending("loop").string)
    #expect(throws: IOError.self) { try FilePlace.following(directory.path.appending("loop")) }
    for name in ["/", ".", ".."] {
      #expect(throws: FileRuleError.outputIsDirectory(FilePath(name))) {
        try FilePlace.following(FilePath(name))
      }
    }
    let missing: FilePath = "missing/b/.."
    #expect(throws: FileRuleError.noDirectory(missing)) { try FilePlace.following(missing) }
  }

  @Test func unfinishedNamesAreNotForOutputs() throws {
    for name in [".envcrypt-0123456789ab.tmp", ".keystore-0123456789ab.tmp-journal"] {
      let path = directory.path.appending(name)
      #expect(throws: FileRuleError.unfinishedName(path)) {
        try OutputFile(path, replacing: true, leftovers: Leftovers())
      }
    }
    for name in [".envcrypt-0123456789a.tmp", ".envcrypt-0123456789ab.tmp2", ".envcrypt-"] {
      try OutputFile(
        directory.path.appending(name), replacing: true, leftovers: Leftovers()
      ).commit()
    }
  }
}
