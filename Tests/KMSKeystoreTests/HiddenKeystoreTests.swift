import Foundation
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// A user with write access to the directory interferes between the steps in which a keystore is
/// created there.
@Suite struct HiddenKeystoreTests {
  let directory: TemporaryDirectory
  let loot: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    loot = directory.path.appending("loot")
    try write(Array("theirs".utf8), to: loot)
    mkdir(directory.path.appending("shared").string, 0o777)
  }

  var shared: FilePath { directory.path.appending("shared") }
  var path: FilePath { shared.appending("keystore.db") }

  func hiddenNames() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: shared.string)) ?? []
    return names.filter { $0.hasPrefix(".keystore-") && $0.hasSuffix(".tmp") }
  }

  /// Replaces the new file with a link to a file of the attacker, or with that file.
  func swap(with what: String) throws {
    let names = hiddenNames()
    #expect(names.count == 1)
    for name in names {
      let hidden = shared.appending(name)
      if what == "a link" {
        unlink(hidden.string)
        symlink(loot.string, hidden.string)
      } else {
        link(loot.string, shared.appending("x").string)
        rename(shared.appending("x").string, hidden.string)
      }
    }
  }

  @Test(arguments: ["a link", "another file"]) func initWritesIntoNoOtherFile(what: String) throws {
    #expect(throws: FileRuleError.changed(path)) {
      try Keystore.create(at: path, protector: .none) { _ in try swap(with: what) }
    }
    #expect(try contents(loot) == Array("theirs".utf8))
    #expect(hiddenNames().isEmpty)
  }

  @Test(arguments: ["a link", "another file"]) func aBackupIsWrittenIntoNoOtherFile(
    what: String
  ) throws {
    let place = try KeystorePlace(path)
    let hidden = try HiddenKeystore(at: place, leftovers: Leftovers())
    try swap(with: what)
    try hidden.write(patternBytes(4096).span.bytes)
    try hidden.synchronize()
    #expect(throws: FileRuleError.changed(path)) { try hidden.takeName() }
    #expect(try contents(loot) == Array("theirs".utf8))
  }

  /// Every step happens in the directory that was opened.
  @Test func theDirectoryIsTheOneThatWasOpened() throws {
    let moved = directory.path.appending("moved")
    let trap = directory.path.appending("trap")
    mkdir(trap.string, 0o777)
    // The keystore is in the directory that was moved, and not in the directory that has its name
    // now.
    #expect(throws: KeystoreError.missing(path)) {
      try Keystore.create(at: path, protector: .none) { store in
        try KeyService(store, secrets: TestSecrets()).createKey()
        rename(shared.string, moved.string)
        symlink(trap.string, shared.string)
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: trap.string).isEmpty)
    let check = try KeyService(
      try Keystore(at: moved.appending("keystore.db")), secrets: TestSecrets()
    ).check()
    #expect(check.damage.isEmpty && check.keys == 1)
  }

  /// A file that a backup would replace is read without SQLite and without waiting.
  @Test func whatIsReplacedIsNotOpenedAsADatabase() throws {
    let store = try Keystore.create(
      at: directory.path.appending("own.db"), protector: .none)
    try store.backup(to: path)
    try write(patternBytes(512), to: FilePath(path.string + "-journal"))
    #expect(throws: KeystoreError.journal(FilePath(path.string + "-journal"))) {
      try store.backup(to: path, replacing: true)
    }
    #expect(try contents(FilePath(path.string + "-journal")) == patternBytes(512))
    unlink(path.string + "-journal")
    unlink(path.string)
    mkfifo(path.string, 0o600)
    #expect(throws: KeystoreBackupError.notARegularFile(path)) {
      try store.backup(to: path, replacing: true)
    }
  }
}
