import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

/// The attributes, directories and symbolic links of copied trees.
@Suite struct TreeAttributesTests {
  let directory: TemporaryDirectory
  let made = MadeDirectories()
  let lost = LostAttributes()

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> FilePath { directory.path.pushing(FilePath(name)) }

  private func status(_ name: String) throws -> FileStatus {
    try #require(try FileStatus.at(path(name), followingLinks: false))
  }

  private func setTimes(of name: String, _ seconds: Int, _ nanoseconds: Int) {
    var times = [
      timespec(tv_sec: seconds + 1, tv_nsec: nanoseconds),
      timespec(tv_sec: seconds, tv_nsec: nanoseconds),
    ]
    #expect(utimensat(AT_FDCWD, path(name).string, &times, AT_SYMLINK_NOFOLLOW) == 0)
  }

  private func expectSameTimes(_ name: String, _ other: String) throws {
    let (one, two) = (try status(name), try status(other))
    #expect(one.modificationTime.tv_sec == two.modificationTime.tv_sec)
    #expect(one.modificationTime.tv_nsec == two.modificationTime.tv_nsec)
  }

  /// Copies the directories and links of "in" to "out".
  private func copy(replacing: Bool = false) throws {
    let output = try OutputDirectory(path("out"), recording: made)
    var tree = FileTree(path("in"))
    while let entry = tree.next() {
      switch entry {
      case .directory(let relative, let found):
        try output.make(found, at: relative, noting: lost)
      case .symbolicLink(let found):
        let isKept = try output.make(
          found, at: found.relative, replacing: replacing, leftovers: Leftovers(), noting: lost)
        #expect(isKept)
      case .failure(let error): Issue.record(error)
      case .file, .specialFile: break
      }
    }
    #expect(made.finish(synchronizing: true).isEmpty)
  }

  @Test func directoriesGetTheirAttributesAtTheEnd() throws {
    try createDirectories(path("in/a/b"))
    try createDirectories(path("out"))
    chmod(path("in/a/b").string, 0o1500)
    chmod(path("in/a").string, 0o555)
    for (index, name) in ["in/a/b", "in/a", "in"].enumerated() {
      setTimes(of: name, 1_000_000 * index - 5, 123_456_789 + index)
    }
    try copy()
    for name in ["", "/a", "/a/b"] {
      let (source, copy) = (try status("in" + name), try status("out" + name))
      #expect(copy.permissions == source.permissions)
      #expect(copy.specialBits == source.specialBits)
      try expectSameTimes("in" + name, "out" + name)
    }
    #expect(lost.all.isEmpty)
    for name in ["in/a", "in/a/b", "out/a", "out/a/b"] { chmod(path(name).string, 0o700) }
  }

  /// Targets that a `FilePath` would change, and the longest one.
  @Test(arguments: [
    "a", "a//b/", "./a/.", "/", "//x", "..", "\u{0a}", String(repeating: "x", count: 4095),
  ])
  func aLinkKeepsItsTarget(target: String) throws {
    try createDirectories(path("in"))
    try createDirectories(path("out"))
    symlink(target, path("in/link").string)
    setTimes(of: "in/link", 77, 5)
    try copy()
    var bytes = [UInt8](repeating: 0, count: 5000)
    let count = bytes.withUnsafeMutableBytes {
      readlink(path("out/link").string, $0.baseAddress!, $0.count)
    }
    #expect(bytes.prefix(count).elementsEqual(target.utf8))
    try expectSameTimes("in/link", "out/link")
    // The same link again is no obstacle.
    try copy()
  }

  @Test func aLinkReplacesFilesAndLinksOnlyIfAllowed() throws {
    try createDirectories(path("in"))
    try createDirectories(path("out"))
    symlink("target", path("in/link").string)
    let there = path("out/link")
    let makers: [@Sendable () -> Int32] = [
      { symlink("other", there.string) }, { close(open(there.string, O_CREAT | O_WRONLY, 0o600)) },
    ]
    for make in makers {
      #expect(make() == 0)
      #expect(throws: FileRuleError.exists(there)) { try copy() }
      try copy(replacing: true)
      #expect(try status("out/link").kind == .symbolicLink)
      #expect(directory.names.sorted() == ["in", "out"])
      #expect(unlink(there.string) == 0)
    }
    mkdir(there.string, 0o700)
    #expect(throws: FileRuleError.outputIsDirectory(there)) { try copy(replacing: true) }
    rmdir(there.string)
    mkfifo(there.string, 0o600)
    #expect(throws: FileRuleError.notARegularFile(there)) { try copy(replacing: true) }
  }

  /// A killed process may leave a hidden link. Links with other names stay.
  @Test func hiddenLinksAreLeftovers() throws {
    for name in [".envcrypt-0123456789ab.tmp", ".envcrypt-012345678.tmp", "link"] {
      symlink("target", path(name).string)
    }
    HiddenFile.removeLeftovers(in: directory.path)
    #expect(directory.names.sorted() == [".envcrypt-012345678.tmp", "link"])
  }

  /// Many directories that nothing is written to do not use up the descriptors.
  @Test(arguments: [true, false])
  func manyDirectoriesStayOpenForAWhileOnly(synchronizing: Bool) throws {
    try createDirectories(path("out"))
    let batch = OutputBatch(synchronizing: synchronizing, directories: made)
    let output = try OutputDirectory(path("out"), recording: made)
    for number in 0..<300 {
      _ = try output.directory(FilePath("\(number)/inner"), permissions: [0o700, 0o700])
    }
    #expect(made.takeChanged().count <= 65)
    #expect(batch.finish().isEmpty)
  }

  /// If several trees share a directory, the last one decides. Inner directories come first.
  @Test func theLastTreeWins() throws {
    try createDirectories(path("one/x"))
    try createDirectories(path("two/y"))
    try createDirectories(path("out"))
    chmod(path("one").string, 0o700)
    chmod(path("two").string, 0o500)
    let output = try OutputDirectory(path("out"), recording: made)
    for name in ["one", "two"] {
      var tree = FileTree(path(name))
      while case .directory(let relative, let found)? = tree.next() {
        try output.make(found, at: FilePath("t").pushing(relative), noting: lost)
      }
    }
    #expect(made.finish(synchronizing: false).isEmpty)
    #expect(try status("out/t").permissions == 0o500)
    #expect(try status("out/t/x").kind == .directory)
    for name in ["two", "out/t"] { chmod(path(name).string, 0o700) }
  }

  /// A directory in the place of another one does not get its attributes.
  @Test func aDirectoryThatWasExchangedStaysAsItIs() throws {
    try createDirectories(path("in/a"))
    try createDirectories(path("out"))
    let output = try OutputDirectory(path("out"), recording: made)
    var tree = FileTree(path("in"))
    while case .directory(let relative, let found)? = tree.next() {
      try output.make(found, at: relative, noting: lost)
    }
    rename(path("out/a").string, path("out/b").string)
    mkdir(path("out/a").string, 0o711)
    #expect(made.finish(synchronizing: false).count == 1)
    #expect(try status("out/a").permissions == 0o711)
    rmdir(path("out/a").string)
    symlink("b", path("out/a").string)
    #expect(made.finish(synchronizing: false).isEmpty)
  }

  /// Set-user-ID and set-group-ID of a file need root and the same owner; set-group-ID of a
  /// directory needs the same group.
  @Test func specialBitsNeedTheirOwners() {
    var raw = stat()
    raw.st_mode = S_IFREG | 0o7755
    raw.st_uid = 5
    raw.st_gid = 6
    let attributes = FileAttributes(FileStatus(raw))
    let all: mode_t = geteuid() == 0 ? 0o7755 : 0o755
    #expect(attributes.mode(forOwner: 5, group: 6, ofDirectory: false) == all)
    #expect(attributes.mode(forOwner: 5, group: 7, ofDirectory: false) == 0o755)
    #expect(attributes.mode(forOwner: 4, group: 6, ofDirectory: false) == 0o755)
    #expect(attributes.mode(forOwner: 4, group: 6, ofDirectory: true) == 0o3755)
    #expect(attributes.mode(forOwner: 4, group: 7, ofDirectory: true) == 0o1755)
  }

  @Test func lossesAreCountedByKind() {
    for number in 0..<3 { lost.note(.times, FilePath("\(number)")) }
    lost.note(.owner, "x")
    #expect(lost.all.map(\.kind) == [.owner, .times])
    #expect(lost.all.map(\.count) == [1, 3])
    #expect(lost.all.map(\.first) == ["x", "0"])
  }
}
