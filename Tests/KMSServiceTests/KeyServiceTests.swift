import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

@Suite struct KeyServiceTests {
  let directory: TemporaryDirectory
  let service: KeyService

  init() throws {
    directory = try TemporaryDirectory()
    service = try Self.service(in: directory, "keystore.db")
  }

  static func service(in directory: TemporaryDirectory, _ name: String) throws -> KeyService {
    try KeyService(
      try Keystore.create(at: directory.path.appending(name), protector: .none),
      secrets: TestSecrets(), now: { Date(timeIntervalSince1970: 1_700_000_000.25) })
  }

  @Test func aKeyIsDescribedAsKMSDoes() throws {
    let key = try service.createKey(spec: .rsa2048, description: "für alle", alias: "alias/x/y-z_1")
    #expect(key.arn == "arn:aws:kms:local:000000000000:key/\(key.keyID)")
    #expect(key.creationDate == Date(timeIntervalSince1970: 1_700_000_000.25))
    #expect(key.encryptionAlgorithms == [.rsaesOAEPSHA1, .rsaesOAEPSHA256])
    #expect(key.enabled && key.keyState == .enabled && key.keyUsage == .encryptDecrypt)
    for name in [
      key.keyID, key.keyID.uppercased(), key.arn, "alias/x/y-z_1",
      "arn:aws:kms:local:000000000000:alias/x/y-z_1",
    ] { #expect(try service.describe(name) == key) }
  }

  @Test(arguments: [
    "", "x", "alias/", "alias/nobody", "arn:aws:kms:eu-west-1:000000000000:alias/x", "key/",
  ])
  func aStrangeNameIsNotFound(name: String) {
    #expect(throws: KeyServiceError.notFound(name)) { try service.describe(name) }
  }

  @Test(arguments: [
    "x", "alias/", "alias/ä", "alias/a b", "alias/aws/s3", "Alias/x",
    "alias/" + String(repeating: "a", count: 251),
  ])
  func aliasNamesFollowTheAPI(name: String) throws {
    #expect(throws: KeyServiceError.invalidAliasName(name)) { try service.createKey(alias: name) }
    #expect(try service.listKeys().isEmpty)
  }

  @Test func aliasesAreCreatedMovedAndDeleted() throws {
    let first = try service.createKey(alias: "alias/a")
    let second = try service.createKey()
    #expect(throws: KeyServiceError.alreadyExists("alias/a")) {
      try service.createAlias("alias/a", target: second.keyID)
    }
    #expect(throws: KeyServiceError.alreadyExists("alias/a")) {
      try service.createKey(alias: "alias/a")
    }
    #expect(try service.listKeys().count == 2)
    try service.createAlias("alias/" + String(repeating: "b", count: 250), target: "alias/a")
    #expect(try service.listAliases(target: first.keyID).count == 2)
    try service.updateAlias("alias/a", target: second.keyID)
    #expect(try service.describe("alias/a") == second)
    try service.deleteAlias("alias/a")
    #expect(throws: KeyServiceError.notFound("alias/a")) { try service.describe("alias/a") }
    #expect(throws: KeyServiceError.notFound("alias/a")) { try service.deleteAlias("alias/a") }
    #expect(throws: KeyServiceError.notFound("alias/a")) {
      try service.updateAlias("alias/a", target: second.keyID)
    }
  }

  @Test(arguments: KeySpec.forFiles)
  func aKeyWrapsAndTheExportUnwraps(spec: KeySpec) throws {
    let key = try service.createKey(spec: spec)
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    let wrapped = try TestWrapping.wrap(try service.wrappingKeyring(key.keyID))
    if spec == .eccNISTP256 {
      #expect(wrapped.providerID == "raw-ecdh")
    } else {
      #expect(wrapped.providerID == "envcrypt")
      #expect(wrapped.keyName == "\(key.keyID)/1")
    }
    #expect(try TestWrapping.unwrap(keyring, wrapped) == patternBytes(32))
    #expect(try service.identify(wrapped)?.keyID == key.keyID)

    let exported = try KeyringFile(parsing: try service.exportKey(key.keyID).file.serialized())
    #expect(try TestWrapping.unwrap(try exported.keyrings()[0], wrapped) == patternBytes(32))
    // The file imports the key into another keystore, with the same ID.
    let other = try Self.service(in: directory, "other.db")
    #expect(
      try TestWrapping.unwrap(KeystoreKeyring(other, unwrappingUnder: nil), wrapped) == nil)
    let imported = try other.importKey(exported)
    #expect(imported.keyID == key.keyID && imported.origin == .external)
    #expect(
      try TestWrapping.unwrap(KeystoreKeyring(other, unwrappingUnder: nil), wrapped)
        == patternBytes(32))
    #expect(throws: KeyServiceError.alreadyExists("key \(key.keyID)")) {
      try other.importKey(exported)
    }
  }

  /// An invalid message must not prevent the next messages of a run from being opened.
  @Test(arguments: KeySpec.forFiles)
  func aStrangeMessageSpoilsNoOther(spec: KeySpec) throws {
    let key = try service.createKey(spec: spec)
    let good = try TestWrapping.wrap(try service.wrappingKeyring(key.keyID))
    let name = Array("\(key.keyID)/1".utf8)
    let strange = [name, RawAESKeyInformation(keyName: name, nonce: .zero).bytes].map {
      EncryptedDataKey(
        providerID: "envcrypt", providerInformation: $0,
        ciphertext: [UInt8](repeating: 1, count: 48))
    }
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    for wrapped in strange { #expect(try TestWrapping.unwrap(keyring, wrapped) == nil) }
    #expect(try TestWrapping.unwrap(keyring, good) == patternBytes(32))
  }

  @Test func onlyTheNamedKeysAreTried() throws {
    let first = try service.createKey()
    let second = try service.createKey()
    let wrapped = try TestWrapping.wrap(try service.wrappingKeyring(first.keyID))
    let named = KeystoreKeyring(service, unwrappingUnder: [second.keyID])
    #expect(try TestWrapping.unwrap(named, wrapped) == nil)
    let both = KeystoreKeyring(service, unwrappingUnder: [second.keyID, first.arn])
    #expect(try TestWrapping.unwrap(both, wrapped) == patternBytes(32))
  }

  @Test func anImportedKeyOpensWhatItsOldOwnerWrote() throws {
    let foreign = try KeyringFile(
      parsing: Array(
        """
        {"keys": [{"provider-id": "somebody", "key-id": "their key", "algorithm": "aes",
          "type": "symmetric", "bits": 256, "encoding": "base64",
          "material": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}
        """.utf8))
    let wrapped = try TestWrapping.wrap(try foreign.keyrings()[0])
    let key = try service.importKey(foreign, alias: "alias/theirs")
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    #expect(try TestWrapping.unwrap(keyring, wrapped) == patternBytes(32))
    // New messages carry the key's own name, and the exported file opens both.
    let own = try TestWrapping.wrap(try service.wrappingKeyring(key.keyID))
    #expect(own.keyName == "\(key.keyID)/1")
    let exported = try service.exportKey(key.keyID).file
    #expect(exported.keys.map(\.providerID) == ["envcrypt", "somebody"])
    let again = try Self.service(in: directory, "again.db")
    _ = try again.importKey(exported)
    for message in [wrapped, own] {
      #expect(
        try TestWrapping.unwrap(KeystoreKeyring(again, unwrappingUnder: nil), message)
          == patternBytes(32))
    }
  }

  @Test func aRecipientsKeyOpensWhatWasEncryptedToIt() throws {
    let key = try service.createKey(spec: .rsa2048)
    let pem = try service.publicKey(key.keyID).pem
    let wrapped = try TestWrapping.wrap(try Recipient.keyrings(pem: pem)[0])
    #expect(
      try TestWrapping.unwrap(KeystoreKeyring(service, unwrappingUnder: nil), wrapped)
        == patternBytes(32))
    #expect(try service.identify(wrapped)?.keyID == key.keyID)
    let symmetric = try service.createKey()
    #expect(throws: KeyServiceError.self) { try service.publicKey(symmetric.keyID) }
  }

  @Test func whatAKeystoreCannotHoldIsNotImported() throws {
    func file(_ material: [UInt8]) throws -> KeyringFile {
      KeyringFile(keys: [
        .init(
          providerID: "p", keyID: "k", algorithm: .aes, type: .symmetric, bits: nil,
          encoding: .base64, material: SecretText(Base64.encodeSecret(SecretBytes(material))))
      ])
    }
    #expect(
      throws: KeyServiceError.unsupportedOperation(
        "a keystore holds AES keys of 256 bits, this one has 128")
    ) { try service.importKey(try file(patternBytes(16))) }
    let two = KeyringFile(
      keys: try file(patternBytes(32)).keys + file(patternBytes(32)).keys)
    #expect(
      throws: KeyServiceError.validation("the file holds 2 keys, and not one")
    ) { try service.importKey(two) }
  }

  @Test func exportAsksForThePassphraseWhateverElseOpens() throws {
    let path = directory.path.appending("passphrase.db")
    let store = try Keystore.create(at: path, protector: .none)
    _ = try store.addProtector(
      .passphrase(SecretBytes(Array("p".utf8))), secrets: TestSecrets())
    let key = try KeyService(store, secrets: TestSecrets()).createKey()
    let secrets = TestSecrets(passphrase: "q")
    #expect(throws: KeystoreError.wrongPassphrase(path)) {
      try KeyService(try Keystore(at: path), secrets: secrets).exportKey(key.keyID).file
    }
    secrets.text = "p"
    let exported = try KeyService(try Keystore(at: path), secrets: secrets).exportKey(key.keyID)
      .file
    #expect(exported.keys.count == 1)
    #expect(secrets.timesAsked == 2)
  }
}
