import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Unlocking has a bounded cost, whatever somebody wrote to the file: the parameters are checked
/// before any work.
@Suite struct ProtectorLimitTests {
  let directory: TemporaryDirectory
  var path: FilePath { directory.path.appending("keystore.db") }

  init() throws { directory = try TemporaryDirectory() }

  func create(_ protector: consuming NewProtector) throws {
    _ = try Keystore.create(at: path, protector: protector)
  }

  func byHand(_ sql: String) throws {
    try DatabaseQueue(path: path.string).write { try $0.execute(sql: sql) }
  }

  /// Inserts copies of the only protector, with other IDs and earlier dates, and with some columns
  /// changed.
  func plant(_ count: Int, _ changes: [String: String] = [:]) throws {
    let columns = [
      "id", "kind", "creationDate", "keyFilePath", "salt", "scryptCost", "scryptBlockSize",
      "scryptParallelism", "nonce", "wrappedRootKey", "label",
    ].map { changes[$0] ?? ($0 == "id" ? "printf('%08x', n)" : $0 == "creationDate" ? "n" : $0) }
    try byHand(
      """
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(count))
      INSERT INTO protector SELECT \(columns.joined(separator: ", "))
      FROM numbers, (SELECT * FROM protector LIMIT 1)
      """)
  }

  static let cheap = ["scryptCost": "2", "scryptBlockSize": "1"]

  func unlock(_ secrets: TestSecrets = TestSecrets(passphrase: "right")) throws {
    try Keystore(at: path).unlock(secrets)
  }

  // MARK: Parameters

  /// The cost as a power of two, the block size and the parallelism.
  static let fitting: [[UInt64]] = [
    [17, 8, 1], [18, 8, 4], [17, 8, 8], [19, 8, 1], [21, 2, 2], [1, 1, 1], [15, 1, 16],
    [16, 64, 1],
  ]
  static let tooMuch: [[UInt64]] = [
    [20, 8, 1], [17, 8, 9], [20, 8, 16], [19, 8, 3], [23, 1, 1], [30, 1, 1], [31, 8, 1],
    [62, 64, 16], [16, 1, 1], [22, 1, 1], [22, 1, 2],
    [17, 65, 1], [17, 8, 17], [0, 8, 1], [17, 0, 1], [17, 8, 0],
  ]

  @Test(arguments: fitting + tooMuch) func parametersHaveLimits(parameters: [UInt64]) {
    let scrypt = Scrypt(
      cost: 1 << parameters[0], blockSize: parameters[1], parallelism: parameters[2])
    #expect(scrypt.isValid == Self.fitting.contains(parameters))
    let other = Scrypt(cost: scrypt.cost + 1, blockSize: 8, parallelism: 1)
    #expect(!other.isValid || other.cost == 2)
  }

  /// The passphrase is not even asked for.
  @Test(arguments: [
    "scryptCost = 1048576, scryptParallelism = 16", "scryptParallelism = 9", "scryptCost = -1",
    "scryptCost = 9223372036854775807", "scryptBlockSize = 1000000", "scryptCost = NULL",
    "scryptCost = 4194304, scryptBlockSize = 1",
  ])
  func dearParametersAreRefusedByName(change: String) throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    let id = try #require(try Keystore(at: path).protectors().first).id
    try byHand("UPDATE protector SET " + change)
    #expect(throws: KeystoreError.costlyProtector(id)) { try unlock() }
  }

  /// libcrypto accepts all parameters that we accept.
  @Test(
    arguments: [[15, 1, 1], [1, 1, 1], [16, 2, 1], [10, 64, 1], [12, 3, 16]] as [[UInt64]])
  func whatFitsCanBeDerived(parameters: [UInt64]) throws {
    let scrypt = Scrypt(
      cost: 1 << parameters[0], blockSize: parameters[1], parallelism: parameters[2])
    #expect(scrypt.isValid)
    let key = try scrypt.derive(from: SecretBytes([1]), salt: [2], count: 32)
    #expect(key.count == 32)
  }

  /// A protector that was made costly does not prevent another one from opening the keystore.
  @Test(arguments: [
    ["scryptParallelism": "16"], ["scryptCost": "4194304", "scryptBlockSize": "1"],
  ])
  func aDearProtectorKeepsNobodyOut(change: [String: String]) throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    try plant(3, change)
    #expect(throws: Never.self) { try unlock() }
    let check = try KeyService(try Keystore(at: path), secrets: TestSecrets(passphrase: "right"))
      .check()
    #expect(check.damage.count == 3)
  }

  @Test func allTogetherHaveALimit() throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    // Each of them alone would be acceptable.
    try plant(13, ["scryptParallelism": "8"])
    let secrets = TestSecrets(passphrase: "right")
    #expect(throws: KeystoreError.costlyProtectors) { try unlock(secrets) }
    #expect(secrets.timesAsked == 0)
  }

  // MARK: Number

  @Test func asManyAsThereMayBeAreTried() throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    try plant(ProtectorRecord.mostProtectors - 1, Self.cheap)
    #expect(throws: Never.self) { try unlock() }
    #expect(throws: KeystoreError.wrongPassphrase(path)) {
      try unlock(TestSecrets(passphrase: "wrong"))
    }
    // No further protector can be added.
    let store = try Keystore(at: path)
    let tooMany = KeystoreError.tooManyProtectors(limit: ProtectorRecord.mostProtectors)
    #expect(throws: tooMany) {
      try store.addProtector(.none, secrets: TestSecrets(passphrase: "right"))
    }
    #expect(try store.protectors().count == ProtectorRecord.mostProtectors)
  }

  @Test(arguments: [100, 20_000]) func moreAreNotEvenRead(count: Int) throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    try plant(count, Self.cheap)
    let secrets = TestSecrets(passphrase: "right")
    let tooMany = KeystoreError.tooManyProtectors(limit: ProtectorRecord.mostProtectors)
    #expect(throws: tooMany) { try unlock(secrets) }
    #expect(secrets.timesAsked == 0)
  }

  @Test func tensOfProtectorsAreUsual() throws {
    try create(.none)
    let store = try Keystore(at: path)
    for number in 0..<40 {
      let file = directory.path.appending("k\(number)")
      try KeyFile.create(file, leftovers: Leftovers())
      _ = try store.addProtector(
        .keyFile(file, contents: try KeyFile.read(file)), secrets: TestSecrets())
    }
    try byHand("DELETE FROM protector WHERE kind = 'none'")
    try unlock(TestSecrets(keyFile: directory.path.appending("k39")))
  }

  // MARK: Fields

  @Test(arguments: [
    "salt = zeroblob(1000000)", "nonce = zeroblob(100000)", "wrappedRootKey = zeroblob(100000)",
    "keyFilePath = hex(zeroblob(10000))", "id = hex(zeroblob(100))",
  ])
  func longFieldsAreNotWorkedOn(change: String) throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    try byHand("UPDATE protector SET " + change)
    let secrets = TestSecrets(passphrase: "right")
    let error = #expect(throws: KeystoreError.self) { try unlock(secrets) }
    guard case .editedRecord(let name)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(name.hasPrefix("protector ") && name.utf8.count < 40)
    #expect(secrets.timesAsked == 0)
  }

  /// A row that names a file that cannot be a key file does not prevent the passphrase from being
  /// tried. Without a passphrase, the reason is reported as before.
  @Test(arguments: ["empty", "short", "huge", "open", "missing"]) func aBadKeyFileKeepsNobodyOut(
    kind: String
  ) throws {
    try create(.passphrase(SecretBytes(Array("right".utf8))))
    let file = directory.path.appending("file")
    if kind != "missing" {
      try write(
        [UInt8](repeating: 7, count: kind == "short" ? 31 : kind == "open" ? 32 : 0), to: file)
      chmod(file.string, kind == "open" ? 0o644 : 0o600)
      if kind == "huge" { #expect(truncate(file.string, 10 << 30) == 0) }
    }
    try plant(2, ["kind": "'key-file'", "keyFilePath": "'\(file.string)'"])
    try unlock()
    #expect(throws: KeystoreError.wrongPassphrase(path)) {
      try unlock(TestSecrets(passphrase: "wrong"))
    }
    let error = #expect(throws: (any Error).self) { try unlock(TestSecrets()) }
    switch error {
    case KeystoreError.unusableKeyFile(let path, _)?: #expect(path == file && kind != "open")
    case FileRuleError.openToOthers(let path, _)?: #expect(path == file && kind == "open")
    case KeystoreError.locked(_, let reasons)?: #expect(reasons.count == 3 && kind == "missing")
    default: Issue.record("\(String(describing: error))")
    }
    // If the user names the key file, its error is reported at once, and the passphrase is not
    // asked for.
    if kind == "short" {
      let secrets = TestSecrets(passphrase: "right", keyFile: file)
      #expect(throws: KeystoreError.self) { try unlock(secrets) }
      #expect(secrets.timesAsked == 0)
    }
  }

  /// The row names a path that nobody has checked. Only a regular file is opened.
  @Test(arguments: ["fifo", "directory", "/dev/tty", "/dev/zero"]) func onlyAFileIsOpened(
    what: String
  ) throws {
    try create(.none)
    let other = directory.path.appending("other")
    switch what {
    case "fifo": mkfifo(other.string, 0o600)
    case "directory": mkdir(other.string, 0o700)
    default: symlink(what, other.string)
    }
    try byHand(
      "UPDATE protector SET kind = 'key-file', keyFilePath = '\(other.string)', salt = zeroblob(32)"
    )
    let error = #expect(throws: KeystoreError.self) { try unlock() }
    guard case .locked(_, let reasons)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reasons == ["key file \(other.string) is not a regular file"])
  }
}
