import Foundation
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

@Suite struct OutputFileTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("out") }

  init() throws { directory = try TemporaryDirectory() }

  func write(_ bytes: [UInt8], replacing: Bool = false, commit: Bool = true) throws {
    let file = try OutputFile(path, replacing: replacing, leftovers: Leftovers())
    try file.write(bytes.span.bytes)
    if commit { try file.commit() }
  }

  @Test func appearsOnlyWhenCommitted() throws {
    let file = try OutputFile(path, replacing: false, leftovers: Leftovers())
    try file.write(([1, 2, 3] as [UInt8]).span.bytes)
    #expect(directory.names.isEmpty)
    try file.commit()
    #expect(directory.names == ["out"])
    #expect(try contents(path) == [1, 2, 3])
  }

  @Test func leavesNothingWhenAbandoned() throws {
    try write([1], commit: false)
    #expect(directory.names.isEmpty)
  }

  @Test func replacesOnlyWhereThatIsAllowed() throws {
    try write([1])
    #expect(throws: FileRuleError.exists(path)) { try write([2]) }
    #expect(try contents(path) == [1])
    try write([2], replacing: true, commit: false)
    #expect(try contents(path) == [1])
    try write([3], replacing: true)
    #expect(try contents(path) == [3])
    #expect(directory.names == ["out"])
  }

  /// Tests a file that appears between the check for an existing file and the commit.
  @Test func aFileThatCameMeanwhileIsNotReplaced() throws {
    let file = try OutputFile(path, replacing: false, leftovers: Leftovers())
    try file.write(([1] as [UInt8]).span.bytes)
    try Data([9]).write(to: URL(fileURLWithPath: path.string))
    #expect(throws: FileRuleError.exists(path)) { try file.commit() }
    #expect(try contents(path) == [9])
  }

  @Test func takesTheInputsModeAndRefusesTheInputItself() throws {
    let input = directory.path.appending("in")
    try Data([1]).write(to: URL(fileURLWithPath: input.string))
    chmod(input.string, 0o640)
    let status = try #require(try FileStatus.at(input))
    let file = try OutputFile(path, replacing: false, source: status, leftovers: Leftovers())
    try file.commit()
    #expect(try FileStatus.at(path)?.permissions == 0o640)
    link(input.string, directory.path.appending("hard link").string)
    for name in ["in", "hard link"] {
      let same = directory.path.appending(name)
      #expect(throws: FileRuleError.sameFile(same)) {
        try OutputFile(same, replacing: true, source: status, leftovers: Leftovers())
      }
    }
  }

  @Test func aLinkStaysALink() throws {
    try write([1])
    let name = directory.path.appending("link")
    symlink("out", name.string)
    let file = try OutputFile(name, replacing: true, leftovers: Leftovers())
    try file.write(([2] as [UInt8]).span.bytes)
    try file.commit()
    #expect(try contents(path) == [2])
    #expect(try FileStatus.at(name, followingLinks: false)?.kind == .symbolicLink)
  }

  @Test func directoriesAreChecked() throws {
    #expect(throws: FileRuleError.isDirectory(directory.path)) {
      try OutputFile(directory.path, replacing: true, leftovers: Leftovers())
    }
    let missing = directory.path.appending("missing").appending("out")
    #expect(throws: FileRuleError.noDirectory(missing.removingLastComponent())) {
      try OutputFile(missing, replacing: true, leftovers: Leftovers())
    }
  }

  @Test func treesAreWalkedInOrderWithoutLinksAndSpecialFiles() throws {
    let root = directory.path
    for name in ["b", "a"] {
      try createDirectories(root.appending(name).appending("deep"))
      try Data().write(to: URL(fileURLWithPath: root.appending("\(name)/deep/file").string))
    }
    symlink("a", root.appending("link").string)
    mkfifo(root.appending("fifo").string, 0o600)
    // A name that is not UTF-8 is passed through unchanged.
    let strange: [CChar] = [CChar(bitPattern: 0xFF), 0]
    let strangePath = root.appending(
      strange.withUnsafeBufferPointer {
        FilePath.Component(platformString: $0.baseAddress!)!
      })
    close(strangePath.withPlatformString { open($0, O_CREAT | O_WRONLY, 0o600) })
    var tree = FileTree(root)
    var found: [FilePath] = []
    while let entry = tree.next() {
      switch entry {
      case .file(let relative, _): found.append(relative)
      case .failure(let error): Issue.record(error)
      }
    }
    #expect(found.prefix(1).map(\.string) != ["link"])
    #expect(Set(found).count == 3)
    #expect(
      found.filter { $0.string.hasSuffix("file") }.map(\.string) == ["a/deep/file", "b/deep/file"])
    #expect(tree.skipped == FileTree.Skipped(symbolicLinks: 1, specialFiles: 1))
  }
}
