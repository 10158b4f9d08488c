import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

@Suite(.enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm"), "needs /dev/shm"))
final class MemoryDirectoryTests {
  private let place: FilePath
  private let leftovers = Leftovers()

  init() throws {
    place = FilePath("/dev/shm/envcrypt-test-\(UUID().uuidString)")
    try #require(mkdir(place.string, 0o700) == 0)
  }

  deinit { try? FileManager.default.removeItem(atPath: place.string) }

  private func made(in places: [FilePath]? = nil) throws -> MemoryDirectory? {
    try MemoryDirectory.make(in: places ?? [place], leftovers: leftovers)
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: place.string)
  }

  private func mode(_ path: FilePath) throws -> mode_t? { try FileStatus.at(path)?.permissions }

  @Test func itIsPrivateAndInMemory() throws {
    let directory = try #require(try made())
    #expect(try names().map { place.appending($0) } == [directory.path])
    #expect(try mode(directory.path) == 0o700)
    try directory.write(SecretBytes(copying: ([1, 2] as [UInt8]).span.bytes), to: "text")
    #expect(try mode(directory.path.appending("text")) == 0o600)
    #expect(try contents(directory.path.appending("text")) == [1, 2])
    #expect(try directory.open("text").status().size == 2)
    #expect(throws: IOError.self) {
      try directory.write(SecretBytes(copying: ([3] as [UInt8]).span.bytes), to: "text")
    }
  }

  /// Everything in it is removed: directories, links, and files that nobody may write to.
  @Test func nothingIsLeft() throws {
    let directory = try #require(try made())
    let outside = place.appending("outside")
    try write([1], to: outside)
    let deep = directory.path.appending("a/b/c")
    try FileManager.default.createDirectory(
      atPath: deep.string, withIntermediateDirectories: true)
    try write([1], to: deep.appending("file"))
    #expect(symlink(place.string, directory.path.appending("link").string) == 0)
    #expect(symlink("nowhere", deep.appending("dangling").string) == 0)
    #expect(mkfifo(deep.appending("fifo").string, 0) == 0)
    chmod(deep.appending("file").string, 0)
    directory.remove()
    #expect(try names() == ["outside"])
    #expect(try contents(outside) == [1])
  }

  @Test func aSignalRemovesIt() throws {
    let directory = try #require(try made())
    try directory.write(SecretBytes(copying: ([1] as [UInt8]).span.bytes), to: "text")
    leftovers.removeForEnding()
    #expect(try names() == [])
  }

  @Test func whatIsKeptStays() throws {
    let directory = try #require(try made())
    try directory.write(SecretBytes(copying: ([1] as [UInt8]).span.bytes), to: "text")
    let kept = directory.keep()
    leftovers.removeForEnding()
    #expect(try contents(kept.appending("text")) == [1])
    #expect(try mode(kept) == 0o700)
    // Another process leaves it, too.
    _ = try MemoryDirectory.make(in: [place], leftovers: Leftovers())
    #expect(try contents(kept.appending("text")) == [1])
  }

  /// The directory of a process that was killed is removed by the next one, and that of a running
  /// process is not.
  @Test func theNextOneRemovesLeftovers() throws {
    let leftover = place.appending("envcrypt-edit-0123456789ab")
    #expect(mkdir(leftover.string, 0o700) == 0)
    try write([1], to: leftover.appending("text"))
    let running = try #require(try made())
    #expect(try mode(leftover) == nil)
    let other = try #require(try made())
    #expect(try Set(names().map { place.appending($0) }) == [running.path, other.path])
  }

  @Test func onlyThatIsOpenedWhichIsAFile() throws {
    let directory = try #require(try made())
    #expect(symlink("/etc/passwd", directory.path.appending("link").string) == 0)
    #expect(mkfifo(directory.path.appending("fifo").string, 0o600) == 0)
    #expect(throws: IOError.self) { try directory.open("link") }
    #expect(throws: IOError.self) { try directory.open("missing") }
    #expect(throws: FileRuleError.self) { try directory.open("fifo") }
    directory.remove()
  }

  /// A place where another user can replace the directory is not used, nor is a disk, nor a
  /// relative path.
  @Test(
    arguments: [
      (0o700, true), (0o711, true), (0o755, true), (0o1777, true), (0o777, false), (0o770, false),
      (0o702, false), (0o1773, true),
    ] as [(mode_t, Bool)])
  func thePlaceIsSafe(mode: mode_t, isSafe: Bool) throws {
    chmod(place.string, mode)
    #expect(try (made() != nil) == isSafe)
    let other = try #require(try made(in: [place, "/dev/shm"]))
    other.remove()
  }

  @Test(arguments: ["/proc", "/nowhere", "dev", "", "/dev/shm/envcrypt-test-none"])
  func thePlaceIsInMemory(path: String) throws {
    #expect(try made(in: [FilePath(path)]) == nil)
  }
}
