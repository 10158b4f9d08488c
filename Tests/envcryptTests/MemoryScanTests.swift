import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// Runs the tool and searches its memory when its work is done: for every key and passphrase that
/// it had, and for one secret that must be there.
@Suite(
  .serialized,
  .enabled(
    if: StoppedProcess.canBeLookedInto, "kernel.yama.ptrace_scope keeps us from memory of others"))
struct MemoryScanTests {
  private static let passphrase = "correct horse battery staple 7351"

  private let directory: TemporaryDirectory
  private let tool: PausedTool

  init() throws {
    directory = try TemporaryDirectory()
    tool = try PausedTool(in: directory.path)
    try write(Array((Self.passphrase + "\n").utf8), to: directory.path.appending("pass"))
    chmod(directory.path.appending("pass").string, 0o600)
    try write(patternBytes(300_000), to: directory.path.appending("plain"))
  }

  /// Runs `arguments`. Afterwards no part of `secrets` and of the secrets that unlock the keystore
  /// is left.
  private func expectNothingLeft(
    _ arguments: [String], input: String? = nil, output: String? = nil,
    secrets: (Known) throws -> [(String, [UInt8])] = { _ in [] }
  ) throws {
    let options = ["--keystore", "k.db", "--passphrase-file", "pass"]
    try tool.run(arguments + options, input: input, output: output) { process in
      let known = try Known(directory.path, passphrase: Self.passphrase)
      let needles = try (known.all() + secrets(known)).flatMap(Self.windows)
      let leaked = try process.finds(needles)
      // A secret that is there on purpose shows that the search works.
      let control = try process.finds([("control", Array(tool.control.utf8))])
      #expect(!control.isEmpty, "\(arguments)")
      #expect(leaked.isEmpty, "\(arguments): \(leaked)")
    }
  }

  /// Parts of a secret, for copies that have lost their beginning. Includes each part backwards, as
  /// libcrypto stores numbers.
  private static func windows(_ name: String, _ bytes: [UInt8]) -> [(name: String, bytes: [UInt8])]
  {
    let starts = Set([0, bytes.count / 3, bytes.count * 2 / 3, bytes.count - 16]).filter {
      $0 >= 0 && $0 + 16 <= bytes.count
    }
    return starts.sorted().flatMap { start -> [(name: String, bytes: [UInt8])] in
      let window = Array(bytes[start..<start + 16])
      return [
        ("\(name)[\(start)]", window), ("\(name)[\(start)] backwards", window.reversed()),
      ]
    }
  }

  @Test func nothingIsLeftOfKeysAndPassphrases() throws {
    try expectNothingLeft(["init", "--protector", "passphrase"])
    try expectNothingLeft(["encrypt", "plain"]) { try $0.dataKeys(of: "plain.envc") }
    try expectNothingLeft(["decrypt", "plain.envc", "-o", "again"]) {
      try $0.dataKeys(of: "plain.envc")
    }
    try expectNothingLeft(["encrypt", "--sign", "-a", "-o", "signed"], input: "plain") {
      try $0.dataKeys(of: "signed")
    }
    try expectNothingLeft(["verify", "signed"]) { try $0.dataKeys(of: "signed") }
    try expectNothingLeft(["key", "create"])
    try expectNothingLeft(["key", "create", "--spec", "RSA_2048", "--alias", "alias/rsa"])
    try expectNothingLeft([
      "key", "create", "--spec", "ECC_NIST_P256", "--usage", "KEY_AGREEMENT", "--alias",
      "alias/ec",
    ])
    for alias in ["alias/default", "alias/rsa", "alias/ec"] {
      let name = String(alias.dropFirst(6))
      try expectNothingLeft(["encrypt", "plain", "-k", alias, "-o", name]) {
        try $0.dataKeys(of: name)
      }
      try expectNothingLeft(["decrypt", name, "-o", "\(name).plain"]) {
        try $0.dataKeys(of: name)
      }
      try expectNothingLeft(["key", "export", alias, "-o", "\(name).json"]) {
        try $0.materials(of: "\(name).json")
      }
      try expectNothingLeft([
        "decrypt", name, "--keyring", "\(name).json", "-o", "\(name).again",
      ]) { try $0.materials(of: "\(name).json") + $0.dataKeys(of: name) }
    }
    try expectNothingLeft(["reencrypt", "default", "-k", "alias/rsa"]) {
      try $0.dataKeys(of: "default")
    }
    try expectNothingLeft(
      ["data-key", "generate", "-k", "alias/default", "-o", "wrapped"], output: "data-key"
    ) { try $0.bytes(of: "stdout") }
    try expectNothingLeft(["data-key", "decrypt", "wrapped"]) { try $0.bytes(of: "data-key") }
    try expectNothingLeft(["keystore", "protector", "add", "key-file:key"]) {
      try $0.bytes(of: "key")
    }
  }

  /// Plaintexts in JSON, in the output and in an input file: neither the bytes nor their base64 are
  /// left.
  @Test func nothingIsLeftOfPlaintextsInJSON() throws {
    try expectNothingLeft(["init", "--protector", "passphrase"])
    try expectNothingLeft(
      ["kms", "generate-data-key", "--key-id", "alias/default", "--key-spec", "AES_256"],
      output: "generated"
    ) { try $0.plaintext(of: "stdout") }
    try expectNothingLeft([
      "kms", "generate-data-key-pair", "--key-id", "alias/default", "--key-pair-spec",
      "ECC_NIST_P256",
    ]) { try $0.plaintext(of: "stdout") }
    try expectNothingLeft(["kms", "generate-random", "--number-of-bytes", "48"]) {
      try $0.plaintext(of: "stdout")
    }
    let generated = try APICoding.decode(
      GenerateDataKeyRequest.Response.self,
      from: String(decoding: contents(directory.path.appending("generated")), as: UTF8.self))
    try write(generated.ciphertextBlob.bytes, to: directory.path.appending("wrapped"))
    for command in [
      ["kms", "decrypt", "--ciphertext-blob", "fileb://wrapped"],
      ["data-key", "decrypt", "wrapped", "--json"], ["data-key", "generate", "--json"],
    ] {
      try expectNothingLeft(command) { try $0.plaintext(of: "stdout") }
    }
    let secret = Data(patternBytes(3000))
    let input = "{\"Plaintext\": \"\(secret.base64EncodedString())\", \"KeyId\": \"alias/default\"}"
    try write(Array(input.utf8), to: directory.path.appending("input"))
    try expectNothingLeft(["kms", "encrypt", "--cli-input-json", "file://input"]) { _ in
      [("plaintext", Array(secret)), ("base64", Array(secret.base64EncodedString().utf8))]
    }
  }
}

/// The secrets in a directory that a test knows: those of the keystore and those of messages.
private struct Known {
  let directory: FilePath
  private let passphrase: String
  private let keystore: Keystore
  private let service: KeyService

  init(_ directory: FilePath, passphrase: String) throws {
    self.directory = directory
    self.passphrase = passphrase
    keystore = try Keystore(at: directory.appending("k.db"))
    service = try KeyService(keystore, secrets: TestSecrets(passphrase: passphrase))
  }

  /// The passphrase, the root key, the keys derived from it, and every master key.
  func all() throws -> [(String, [UInt8])] {
    let unlocked = try service.unlock()
    let root = try rootKey()
    let versions = try keystore.read { try KeyVersionRecord.all($0) }
    return [
      ("passphrase", Array(passphrase.utf8)), ("root key", root),
      ("wrapping key", try derived(root, [], "envcrypt master key wrapping")),
      ("record key", try derived(root, [], "envcrypt record authentication")),
      ("audit key", try derived(root, Array(keystore.id.utf8), "envcrypt audit log")),
    ]
      + (try versions.map {
        let material = try unlocked.unwrap($0).exposed
        return (
          "version \($0.version) of key \($0.keyID)",
          $0.publicKey == nil ? material : Self.privatePart(ofPKCS8: material)
        )
      })
  }

  /// The part of a private key that is not in the public key, which may be anywhere in memory. For
  /// P-256 it is the private number, for RSA everything after modulus and exponent.
  private static func privatePart(ofPKCS8 bytes: [UInt8]) -> [UInt8] {
    bytes.count < 200 ? Array(bytes[36..<68]) : Array(bytes[320...])
  }

  private func rootKey() throws -> [UInt8] {
    let protectors = try keystore.read(ProtectorRecord.oldestFirst)
    guard
      let key = try protectors[0].unwrap(
        passphrase: SecretBytes(Array(passphrase.utf8)), keystoreID: keystore.id)
    else { throw KeystoreError.wrongPassphrase(keystore.path) }
    return key.bytes.exposed
  }

  private func derived(_ root: [UInt8], _ salt: [UInt8], _ info: String) throws -> [UInt8] {
    try HKDF.derive(
      .sha256, from: SecretBytes(root), salt: salt, info: Array(info.utf8), count: 32
    ).exposed
  }

  /// The data key and the message key of a message.
  func dataKeys(of name: String) throws -> [(String, [UInt8])] {
    let inspection = try MessageInspector.inspect(
      try .openInput(directory.appending(name)), limits: .standard)
    let header = inspection.header
    let keyring = MultiKeyring([KeystoreKeyring(service, unwrappingUnder: nil)])
    return try keyring.open(header) { dataKey -> [(String, [UInt8])]? in
      let derivation = try MessageKeyDerivation(
        header.suite, dataKey: dataKey, messageID: header.messageID)
      return [
        ("data key", dataKey.bytes.exposed), ("message key", derivation.messageKey.bytes.exposed),
      ]
    }
  }

  /// The keys of a keyring file, in their encoding.
  func materials(of name: String) throws -> [(String, [UInt8])] {
    try KeyringFile(parsing: SecretBytes(try contents(directory.appending(name)))).keys.map {
      let text = $0.material.bytes.exposed
      switch $0.algorithm {
      case .aes: return ("material", text)
      // The rest of the first line after the PKCS #8 header.
      case .ecdh: return ("material", Array(text[76..<92]))
      case .rsa: return ("material", Array(text.dropFirst(28 + 434).dropLast(28)))
      }
    }
  }

  /// The plaintext in the printed JSON, and its base64.
  func plaintext(of name: String) throws -> [(String, [UInt8])] {
    let printed = try JSONSerialization.jsonObject(
      with: Data(try contents(directory.appending(name))))
    let members = try #require(printed as? [String: Any])
    let text = try #require((members["Plaintext"] ?? members["PrivateKeyPlaintext"]) as? String)
    let bytes = Array(try #require(Data(base64Encoded: text)))
    // Of a key pair on P-256 only the private number: the rest is public.
    let secret = members["Plaintext"] == nil ? Array(bytes[36..<68]) : bytes
    return [
      ("plaintext", secret),
      ("base64", Array(text.utf8.dropFirst(bytes.count - secret.count).prefix(32))),
    ]
  }

  /// A file that consists of a key.
  func bytes(of name: String) throws -> [(String, [UInt8])] {
    [(name, try contents(directory.appending(name)))]
  }
}
