import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

/// Further names of complete outputs.
@Suite struct HardLinkTests {
  let directory: TemporaryDirectory
  let output: OutputDirectory
  let made = MadeDirectories()

  init() throws {
    directory = try TemporaryDirectory()
    output = try OutputDirectory(directory.path, recording: made)
  }

  private func path(_ name: String) -> FilePath { directory.path.pushing(FilePath(name)) }

  private func status(_ name: String) throws -> FileStatus {
    try #require(try FileStatus.at(path(name), followingLinks: false))
  }

  private func makeFirst() throws -> CompleteOutput {
    let file = try OutputFile(
      FilePath("d/first"), below: output, directoryPermissions: [0o755], replacing: true,
      leftovers: Leftovers())
    try file.write(([1, 2, 3] as [UInt8]).span.bytes)
    try file.commit()
    return try #require(CompleteOutput(file.status(), named: "first", in: "d", below: output))
  }

  private func addName(
    _ name: String, to first: CompleteOutput, replacing: Bool = false
  ) throws -> Bool {
    try first.addName(
      try output.place(FilePath(name), permissions: [0o700, 0o700]),
      replacing: replacing, recording: made, reserved: nil, leftovers: Leftovers())
  }

  @Test func anotherNameIsTheSameFile() throws {
    let first = try makeFirst()
    #expect(try addName("e/other", to: first))
    #expect(try status("e/other").isSameFile(as: status("d/first")))
    // The name that it has already.
    #expect(try addName("e/other", to: first, replacing: true))
    #expect(throws: FileRuleError.exists(path("e/other"))) { try addName("e/other", to: first) }
  }

  @Test func onlyRegularFilesAreReplaced() throws {
    let first = try makeFirst()
    try Data([9]).write(to: URL(fileURLWithPath: path("file").string))
    #expect(throws: FileRuleError.exists(path("file"))) { try addName("file", to: first) }
    #expect(try addName("file", to: first, replacing: true))
    #expect(try contents(path("file")) == [1, 2, 3])
    symlink("file", path("link").string)
    #expect(throws: FileRuleError.symbolicLink(path("link"))) {
      try addName("link", to: first, replacing: true)
    }
    mkdir(path("folder").string, 0o700)
    #expect(throws: FileRuleError.outputIsDirectory(path("folder"))) {
      try addName("folder", to: first, replacing: true)
    }
    #expect(directory.names.sorted() == ["d", "file", "folder", "link"])
  }

  /// Changes after which the output must not get another name.
  @Test(arguments: ["written", "replaced", "removed", "linked away", "directory"])
  func anOutputThatIsNoLongerWhatItWasGetsNoName(change: String) throws {
    let first = try makeFirst()
    let place = path("d/first").string
    switch change {
    case "written": try Data([1, 2, 3, 4]).write(to: URL(fileURLWithPath: place))
    case "replaced":
      unlink(place)
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: place))
    case "removed": unlink(place)
    case "linked away":
      rename(place, path("elsewhere").string)
      symlink("../elsewhere", place)
    default:
      rename(path("d").string, path("moved").string)
      symlink("moved", path("d").string)
    }
    #expect(try !addName("e/other", to: first))
    #expect(try FileStatus.at(path("e/other")) == nil)
  }

  /// The walk finds a file again, but not through a link that was put on the way.
  @Test func aKnownFileIsFoundAgain() throws {
    try createDirectories(path("in/a/b"))
    try Data([5]).write(to: URL(fileURLWithPath: path("in/a/b/file").string))
    var tree = FileTree(path("in"))
    var known: KnownFile?
    while let entry = tree.next() {
      if case .file(let found) = entry { known = KnownFile(found) }
    }
    let file = try #require(known)
    let found = try file.found()
    #expect(try found.place.status()?.isSameFile(as: status("in/a/b/file")) == true)
    rename(path("in/a").string, path("in/c").string)
    symlink("c", path("in/a").string)
    #expect(throws: IOError.self) { try file.found() }
  }
}
