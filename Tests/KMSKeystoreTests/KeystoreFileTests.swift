import Foundation
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// One keystore is one file in one place, whatever name leads to it and whatever files are beside
/// it.
@Suite struct KeystoreFileTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }

  init() throws {
    directory = try TemporaryDirectory()
    _ = try Keystore.create(at: path, protector: .none)
  }

  func service(at path: FilePath) throws -> KeyService {
    try KeyService(try Keystore(at: path), secrets: TestSecrets())
  }

  func put(_ bytes: [UInt8], at name: String) throws -> FilePath {
    let path = directory.path.appending(name)
    try write(bytes, to: path)
    return path
  }

  // MARK: Names

  /// The log and SQLite's files are beside the real file.
  @Test(arguments: ["absolute", "relative", "of a link"]) func aLinkLeadsToTheOneStore(
    kind: String
  ) throws {
    let elsewhere = directory.path.appending("elsewhere")
    mkdir(elsewhere.string, 0o700)
    let link = elsewhere.appending("link.db")
    switch kind {
    case "absolute": symlink(path.string, link.string)
    case "relative": symlink("../keystore.db", link.string)
    default:
      symlink("../other.db", link.string)
      symlink("keystore.db", directory.path.appending("other.db").string)
    }
    try service(at: path).createKey(alias: "alias/a")
    let linked = try service(at: link)
    #expect(linked.keystore.path == FilePath(realPath(path)))
    try linked.createKey(alias: "alias/b")
    try linked.host.trail()?.flush()
    _ = try service(at: path).encrypt("x", under: "alias/b")
    #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.string) == ["link.db"])
    for name in [path, link] {
      let check = try service(at: name).check()
      #expect(check.damage.isEmpty && check.auditRecords == 3)
    }
    // A backup does not replace the file that it copies, nor the link to it.
    for target in [link, path] {
      #expect(throws: KeystoreBackupError.keystoreItself(target)) {
        try Keystore(at: link).backup(to: target, replacing: true)
      }
    }
  }

  func realPath(_ path: FilePath) -> String {
    URL(fileURLWithPath: path.string).resolvingSymlinksInPath().path
  }

  /// The directory of the real file decides with whom a keystore is shared.
  @Test func theRealDirectoryDecidesWhoMayRead() throws {
    let shared = directory.path.appending("shared")
    mkdir(shared.string, 0o700)
    chmod(shared.string, 0o2770)
    let link = shared.appending("link.db")
    symlink(path.string, link.string)
    chmod(path.string, 0o660)
    let real = FilePath(realPath(path))
    #expect(throws: KeystoreError.loosePermissions(real, permissions: 0o660)) {
      try Keystore(at: link)
    }
  }

  @Test func aLinkToNothingIsNoStore() throws {
    let link = directory.path.appending("link.db")
    symlink("nothing.db", link.string)
    #expect(throws: KeystoreError.missing(link)) { try Keystore(at: link) }
    symlink("circle", directory.path.appending("circle").string)
    #expect(throws: KeystoreError.missing(directory.path.appending("circle"))) {
      try Keystore(at: directory.path.appending("circle"))
    }
  }

  /// Names that SQLite would interpret as something else.
  @Test(arguments: ["file:keystore.db?immutable=1", "file:other.db", ":memory:"])
  func aNameIsAName(name: String) throws {
    let other = directory.path.appending(name)
    rename(path.string, other.string)
    try service(at: other).createKey()
    #expect(try service(at: other).listKeys().count == 1)
    #expect(directory.names == [name, name + "-audit"].sorted())
  }

  /// SQLite's path is text. Files of a store with another name appeared under two names.
  @Test func aPathThatIsNotTextIsRefused() throws {
    let bytes = Array("\(directory.path.string)/".utf8) + [0xFF, 0xFE, 0]
    let name = FilePath(platformString: bytes.map { CChar(bitPattern: $0) })
    let refusal = KeystoreFileError.notUTF8(name)
    #expect(throws: refusal) { try Keystore.create(at: name, protector: .none) }
    #expect(throws: refusal) { try Keystore(at: path).backup(to: name) }
    #expect(throws: refusal) { try Keystore(at: name) }
    #expect(directory.names == ["keystore.db"])
  }

  /// Bug: a store whose path is too long for SQLite was created, and could not be opened.
  @Test func aPathThatIsTooLongIsRefused() throws {
    let limit = KeystoreFile.mostBytesOfAPath
    var place = FilePath(realPath(directory.path))
    while place.length < limit - 202 {
      place.append(String(repeating: "d", count: min(200, limit - 202 - place.length)))
    }
    let longest = place.appending(String(repeating: "k", count: limit - 1 - place.length))
    let longer = FilePath(longest.string + "k")
    let refusal = KeystoreFileError.longPath(longer, limit: limit)
    #expect(throws: refusal) { try Keystore.create(at: longer, protector: .none) }
    #expect(directory.names == ["keystore.db"])
    _ = try Keystore.create(at: longest, protector: .none)
    try service(at: longest).createKey()
    #expect(throws: refusal) { try Keystore(at: path).backup(to: longer) }
    #expect(throws: refusal) { try Keystore(at: longer) }
  }

  @Test func aStoreWithTwoNamesIsRefusedAndCopied() throws {
    try service(at: path).createKey(alias: "alias/a")
    let snapshot = directory.path.appending("snapshot.db")
    link(path.string, snapshot.string)
    let before = try contents(path)
    for name in [path, snapshot] {
      #expect(throws: KeystoreFileError.severalNames(name, count: 2)) { try Keystore(at: name) }
    }
    let copy = directory.path.appending("copy.db")
    try Keystore(copying: snapshot).backup(to: copy)
    #expect(try service(at: copy).listKeys().count == 1)
    #expect(try contents(path) == before)
    // An older copy of a snapshot is replaced. Its other name keeps the old contents.
    let second = directory.path.appending("second.db")
    link(copy.string, second.string)
    unlink(snapshot.string)
    try service(at: path).createKey()
    try Keystore(at: path).backup(to: copy, replacing: true)
    #expect(try service(at: copy).listKeys().count == 2)
    #expect(try service(at: second).listKeys().count == 1)
  }

  /// The state after 0.2.0 was killed while a keystore had two names.
  @Test func aSecondNameThatWasLeftIsRemoved() throws {
    let left = directory.path.appending(".keystore-0123456789ab.tmp")
    link(path.string, left.string)
    #expect(throws: Never.self) { try Keystore(at: path) }
    #expect(directory.names == ["keystore.db"])
  }
}
