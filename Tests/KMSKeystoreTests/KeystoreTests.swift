import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

@Suite struct KeystoreTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }

  init() throws { directory = try TemporaryDirectory() }

  func create(_ protector: consuming NewProtector = .none) throws -> Keystore {
    try Keystore.create(at: path, protector: protector)
  }

  func service(
    _ secrets: TestSecrets = TestSecrets()
  ) throws -> KeyService { try KeyService(try Keystore(at: path), secrets: secrets) }

  @Test func createsAFileForTheOwnerOnlyAndLeavesNothingElse() throws {
    let store = try create()
    #expect(directory.names == ["keystore.db"])
    #expect(try FileStatus.at(path)?.permissions == 0o600)
    #expect(try Keystore(at: path).id == store.id)
    #expect(throws: KeystoreError.exists(path)) { try create() }
  }

  @Test func refusesAFileThatOthersMayRead() throws {
    _ = try create()
    chmod(path.string, 0o640)
    #expect(throws: KeystoreError.loosePermissions(path, permissions: 0o640)) {
      try Keystore(at: path)
    }
  }

  @Test func saysWhatIsNoKeystore() throws {
    #expect(throws: KeystoreError.missing(path)) { try Keystore(at: path) }
    try write(patternBytes(4096), to: path)
    chmod(path.string, 0o600)
    #expect(throws: KeystoreError.notAKeystore(path, "it is not an SQLite database")) {
      try Keystore(at: path)
    }
    try FileManager.default.removeItem(atPath: path.string)
    try DatabaseQueue(path: path.string).write { try $0.execute(sql: "CREATE TABLE a (b)") }
    chmod(path.string, 0o600)
    #expect(throws: KeystoreError.notAKeystore(path, "it is another SQLite database")) {
      try Keystore(at: path)
    }
  }

  @Test func refusesAStoreOfALaterVersion() throws {
    _ = try create()
    try DatabaseQueue(path: path.string).write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: of a later version')")
    }
    #expect(throws: KeystoreError.tooNew(path)) { try Keystore(at: path) }
  }

  @Test func passphraseOpensAndAnotherDoesNot() throws {
    _ = try create(.passphrase(SecretBytes(Array("correct horse".utf8))))
    let right = try service(TestSecrets(passphrase: "correct horse"))
    let key = try right.createKey(alias: "alias/a")
    // Reading metadata does not ask for the passphrase.
    let secrets = TestSecrets()
    #expect(try service(secrets).describe("alias/a") == key)
    #expect(secrets.timesAsked == 0)
    #expect(throws: KeystoreError.wrongPassphrase(path)) {
      try service(TestSecrets(passphrase: "wrong horse")).createKey()
    }
    #expect(
      throws: KeystoreError.locked(
        path,
        reasons: [
          "a passphrase is needed, and there is no terminal to ask on"
        ])
    ) { try service().createKey() }
  }

  @Test func aFailedUnlockIsNotAskedAgain() throws {
    _ = try create(.passphrase(SecretBytes(Array("right".utf8))))
    let secrets = TestSecrets(passphrase: "wrong")
    let service = try service(secrets)
    for _ in 0..<3 {
      #expect(throws: KeystoreError.wrongPassphrase(path)) { try service.createKey() }
    }
    #expect(secrets.timesAsked == 1)
  }

  @Test func severalProtectorsOpenAndTheLastStays() throws {
    let keyFile = directory.path.appending("key")
    try KeyFile.create(keyFile, leftovers: Leftovers())
    #expect(try FileStatus.at(keyFile)?.permissions == 0o600)
    let store = try create(.keyFile(keyFile, contents: try KeyFile.read(keyFile)))
    let first = try #require(try store.protectors().first)
    #expect(throws: KeystoreError.lastProtector(first.id)) {
      try store.removeProtector(first.id, secrets: TestSecrets())
    }
    let second = try store.addProtector(
      .passphrase(SecretBytes(Array("second".utf8))), secrets: TestSecrets())
    #expect(try store.protectors().map(\.kind) == [.keyFile, .passphrase])
    _ = try service(TestSecrets()).createKey()
    // The key file is moved. The caller gives its new path, or the passphrase unlocks instead.
    let moved = directory.path.appending("moved")
    try FileManager.default.moveItem(atPath: keyFile.string, toPath: moved.string)
    _ = try service(TestSecrets(keyFile: moved)).createKey()
    _ = try service(TestSecrets(passphrase: "second")).createKey()
    try Keystore(at: path).removeProtector(first.id, secrets: TestSecrets(passphrase: "second"))
    #expect(throws: KeystoreError.self) { try service(TestSecrets(keyFile: moved)).createKey() }
    #expect(throws: KeystoreError.noProtector("nobody")) {
      try Keystore(at: path).removeProtector(
        "nobody", secrets: TestSecrets(passphrase: "second"))
    }
    #expect(throws: KeystoreError.lastProtector(second.id)) {
      try Keystore(at: path).removeProtector(
        second.id, secrets: TestSecrets(passphrase: "second"))
    }
  }

  @Test func anotherKeyFileIsRefused() throws {
    let keyFile = directory.path.appending("key")
    try KeyFile.create(keyFile, leftovers: Leftovers())
    _ = try create(.keyFile(keyFile, contents: try KeyFile.read(keyFile)))
    let other = directory.path.appending("other")
    try KeyFile.create(other, leftovers: Leftovers())
    #expect(throws: KeystoreError.wrongKeyFile(other, of: path)) {
      try service(TestSecrets(keyFile: other)).createKey()
    }
    let short = directory.path.appending("short")
    try write(patternBytes(31), to: short)
    chmod(short.string, 0o600)
    #expect(
      throws: KeystoreError.unusableKeyFile(short, "it has 31 bytes, a key file has 32 to 1048576")
    ) { try service(TestSecrets(keyFile: short)).createKey() }
  }

  /// A file that envcrypt or SQLite changes, or a message, cannot be the key file of a new
  /// protector. If an older protector has such a key file, the file still opens the store. If the
  /// file has changed since, the error says which kind of file it is.
  @Test func whatIsNoKeyMaterialMakesNoProtector() throws {
    let store = try create(.none)
    let service = try service(TestSecrets())
    try service.createKey(alias: "alias/a")
    let message = try MemoryMessage.encrypt(
      "text", under: [try service.wrappingKeyring("alias/a")])
    let files: [(NoKeyMaterial, [UInt8])] = [
      (.keystore, try contents(store.path)),
      (.auditLog, try contents(AuditLog.path(beside: store.path))),
      (.journal, KeystoreJournal.mark + [UInt8](repeating: 0, count: 504)),
      // A journal whose header SQLite has not completed yet: a nonce, and the sizes of the database
      // (in pages), of sectors and of pages.
      (
        .journal,
        [UInt8](repeating: 0, count: 12) + [1, 2, 3, 4, 0, 0, 0, 27, 0, 0, 2, 0, 0, 0, 16, 0]
          + [UInt8](repeating: 0, count: 484)
      ),
      // Write-ahead logs with checksums of either byte order.
      (.journal, [0x37, 0x7F, 0x06, 0x82] + [UInt8](repeating: 0, count: 60)),
      (.journal, [0x37, 0x7F, 0x06, 0x83] + [UInt8](repeating: 0, count: 60)),
      (.message, message),
      (.message, Array("\n-----BEGIN ENVCRYPT MESSAGE-----\nAgV4\n".utf8)),
    ]
    let keyFile = directory.path.appending("key")
    for (kind, bytes) in files {
      try write(bytes, to: keyFile)
      chmod(keyFile.string, 0o600)
      #expect(NoKeyMaterial(SecretBytes(copying: bytes.span.bytes)) == kind)
      let error = KeystoreError.unusableKeyFile(
        keyFile, "it is \(kind.rawValue), and not a key file")
      #expect(throws: error) { _ = try KeyFile.readForNewProtector(keyFile) }
      let made = directory.path.appending("\(UUID().uuidString).db")
      _ = try Keystore.create(
        at: made, protector: .keyFile(keyFile, contents: try KeyFile.read(keyFile)))
      try KeyService(try Keystore(at: made), secrets: TestSecrets()).createKey()
      try write(bytes + [0], to: keyFile)
      chmod(keyFile.string, 0o600)
      for secrets in [TestSecrets(), TestSecrets(keyFile: keyFile)] {
        #expect(throws: error) {
          try KeyService(try Keystore(at: made), secrets: secrets).createKey()
        }
      }
    }
  }

  /// Random bytes are not mistaken for a keystore, a log, a journal or a message, even if they
  /// begin like a message.
  @Test func aKeyFileIsTakenForNothingElse() throws {
    for number in 0..<2000 {
      var bytes = try Random.bytes(32 + number)
      if number % 2 == 0 { bytes.replaceSubrange(0..<3, with: [2, 4, 0x78]) }
      if number % 2 == 1 { bytes.replaceSubrange(0..<4, with: [1, 0x80, 1, 0x14]) }
      #expect(NoKeyMaterial(SecretBytes(copying: bytes.span.bytes)) == nil)
    }
  }

  /// Edits each column that decides how a key may be used, one at a time.
  @Test(arguments: [
    ("UPDATE masterKey SET state = 'Disabled'", "key"),
    ("UPDATE masterKey SET description = 'x'", "key"),
    ("UPDATE masterKey SET origin = 'EXTERNAL'", "key"),
    ("UPDATE masterKey SET creationDate = creationDate + 1", "key"),
    ("UPDATE masterKey SET currentVersion = 2", "key"),
    ("UPDATE masterKey SET spec = 'RSA_2048'", "key"),
    ("UPDATE masterKey SET authenticationCode = x'00'", "key"),
    ("UPDATE keyVersion SET creationDate = creationDate + 1", "version 1 of key"),
    ("UPDATE keyVersion SET nonce = x'000000000000000000000000'", "version 1 of key"),
    ("UPDATE keyVersion SET wrappedMaterial = zeroblob(48)", "version 1 of key"),
    ("UPDATE keyVersion SET foreignKeyName = 'x'", "version 1 of key"),
    ("UPDATE keyVersion SET fingerprint = 'x'", "version 1 of key"),
    ("UPDATE keyVersion SET publicKey = x'00'", "version 1 of key"),
    ("DELETE FROM keyVersion", "version 1 of key"),
    (
      "UPDATE alias SET targetKeyID = (SELECT id FROM masterKey WHERE description = 'other')",
      "alias alias/a"
    ),
    ("UPDATE alias SET creationDate = 0", "alias alias/a"),
    ("UPDATE keystore SET creationDate = 0", "keystore"),
    ("UPDATE keystore SET id = 'other'", "keystore"),
    ("UPDATE protector SET wrappedRootKey = zeroblob(32)", "keystore"),
    ("UPDATE protector SET wrappedRootKey = x'00'", "protector"),
  ])
  func editedRecordsAreNoticed(sql: String, record: String) throws {
    let store = try create()
    let service = try KeyService(store, secrets: TestSecrets())
    _ = try service.createKey(description: "mine", alias: "alias/a")
    _ = try service.createKey(description: "other")
    try DatabaseQueue(path: path.string).write { try $0.execute(sql: sql) }
    let error = #expect(throws: KeystoreError.self) {
      try TestWrapping.wrap(try self.service().wrappingKeyring("alias/a"))
    }
    guard case .editedRecord(let name)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(name.hasPrefix(record))
  }

  @Test func wrappedKeysCannotBeSwapped() throws {
    let service = try KeyService(try create(), secrets: TestSecrets())
    let first = try service.createKey(alias: "alias/a")
    let second = try service.createKey()
    try DatabaseQueue(path: path.string).write { db in
      for column in ["nonce", "wrappedMaterial", "authenticationCode"] {
        try db.execute(
          sql: """
            UPDATE keyVersion SET \(column) = (SELECT \(column) FROM keyVersion WHERE keyID = ?)
            WHERE keyID = ?
            """, arguments: [second.keyID, first.keyID])
      }
    }
    #expect(throws: KeystoreError.editedRecord("version 1 of key \(first.keyID)")) {
      try TestWrapping.wrap(try self.service().wrappingKeyring("alias/a"))
    }
  }

  /// Parallel writers, each with its own connection, lose no changes.
  @Test func concurrentWritersLoseNothing() async throws {
    _ = try create()
    let path = path
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for number in 0..<10 {
            #expect(throws: Never.self) {
              try KeyService(try Keystore(at: path), secrets: TestSecrets()).createKey(
                alias: "alias/\(writer)/\(number)")
            }
          }
        }
      }
    }
    #expect(try service().listKeys().count == 80)
    #expect(try service().listAliases().count == 80)
  }

  @Test func aReadOnlyStoreStillOpensMessages() throws {
    let service = try KeyService(try create(), secrets: TestSecrets())
    let key = try service.createKey()
    let wrapped = try TestWrapping.wrap(try service.wrappingKeyring(key.keyID))
    chmod(path.string, 0o400)
    chmod(directory.path.string, 0o500)
    defer { chmod(directory.path.string, 0o700) }
    let keyring = KeystoreKeyring(try self.service(), unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(keyring, wrapped) == patternBytes(32))
  }

  /// In addition to the record's code: wrapped material that was moved to another key or version
  /// does not unwrap there.
  @Test func wrappedMaterialIsItsKeysAndVersions() throws {
    let unlocked = try UnlockedKeystore(RootKey(bytes: .random(count: 32)), keystoreID: "a")
    let (nonce, wrapped) = try unlocked.wrap(SecretBytes(patternBytes(32)), keyID: "k", version: 1)
    func unwrap(keyID: String, version: Int64) throws -> [UInt8] {
      try unlocked.unwrap(
        KeyVersionRecord(
          keyID: keyID, version: version, creationDate: 0, nonce: nonce, wrappedMaterial: wrapped)
      ).exposed
    }
    #expect(try unwrap(keyID: "k", version: 1) == patternBytes(32))
    for (keyID, version) in [("l", 1), ("k", 2), ("", 1)] as [(String, Int64)] {
      #expect(throws: KeystoreError.editedRecord("version \(version) of key \(keyID)")) {
        try unwrap(keyID: keyID, version: version)
      }
    }
  }

  /// Each column of a protector is bound to the root key that the protector wraps.
  @Test(arguments: [
    "id = '00000000'", "creationDate = creationDate + 1", "keyFilePath = 'elsewhere'",
    "scryptCost = 2", "scryptBlockSize = 1", "scryptParallelism = 1", "salt = zeroblob(32)",
    "nonce = zeroblob(12)", "wrappedRootKey = zeroblob(48)",
  ])
  func editedProtectorsDoNotUnlock(change: String) throws {
    let keyFile = directory.path.appending("key")
    try KeyFile.create(keyFile, leftovers: Leftovers())
    _ = try create(.keyFile(keyFile, contents: try KeyFile.read(keyFile)))
    try Keystore(at: path).unlock(TestSecrets(keyFile: keyFile))
    try DatabaseQueue(path: path.string).write {
      try $0.execute(sql: "UPDATE protector SET " + change)
    }
    #expect(throws: KeystoreError.wrongKeyFile(keyFile, of: path)) {
      try Keystore(at: path).unlock(TestSecrets(keyFile: keyFile))
    }
  }
}
