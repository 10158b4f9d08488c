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
    #expect(throws: FileRuleError.outputIsDirectory(directory.path)) {
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
    var others: [String] = []
    while let entry = tree.next() {
      switch entry {
      case .file(let file): found.append(file.relative)
      case .directory(let relative, _): others.append("d\(relative)")
      case .symbolicLink(let file): others.append("l\(file.relative)")
      case .specialFile(let relative): others.append("s\(relative)")
      case .failure(let error): Issue.record(error)
      }
    }
    #expect(found.prefix(1).map(\.string) != ["link"])
    #expect(Set(found).count == 3)
    #expect(
      found.filter { $0.string.hasSuffix("file") }.map(\.string) == ["a/deep/file", "b/deep/file"])
    #expect(others == ["d", "da", "da/deep", "db", "db/deep", "sfifo", "llink"])
  }

  /// A copy with another owner or group gives no user access that the file itself does not give.
  /// Only the owner of the copy is exempt.
  @Test func aCopyGivesNobodyMoreThanItsOriginal() throws {
    struct User { let id: uid_t, groups: Set<gid_t> }
    func access(of user: User, _ mode: mode_t, _ owner: uid_t, _ group: gid_t) -> mode_t {
      if user.id == owner { return mode >> 6 & 7 }
      return user.groups.contains(group) ? mode >> 3 & 7 : mode & 7
    }
    let users = [1, 2, 3].flatMap { id in
      [[], [10], [20], [10, 20]].map { User(id: id, groups: $0) }
    }
    for mode in mode_t(0)...0o777 {
      var status = stat()
      (status.st_mode, status.st_uid, status.st_gid) = (S_IFREG | mode, 1, 10)
      let original = FileStatus(status)
      #expect(original.permissions(forOwner: 1, group: 10) == mode)
      for (owner, group) in [(1, 20), (2, 10), (2, 20)] as [(uid_t, gid_t)] {
        let copy = original.permissions(forOwner: owner, group: group)
        #expect(copy & 0o700 == mode & 0o700)
        for user in users where user.id != owner {
          let (before, after) = (
            access(of: user, mode, 1, 10), access(of: user, copy, owner, group)
          )
          if after & ~before != 0 { Issue.record("\(mode) \(owner) \(group) \(user)") }
        }
      }
    }
  }
}
