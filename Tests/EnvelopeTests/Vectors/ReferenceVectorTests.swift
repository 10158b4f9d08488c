import Foundation
import Testing

@testable import Envelope
@testable import TestSupport

/// The 467 messages that the reference SDK made, each with the result in its manifest.
@Suite struct ReferenceVectorTests {
  struct Manifest: Decodable {
    let tests: [String: Case]
  }

  struct Case: Decodable {
    struct MasterKey: Decodable {
      let key: String
      let providerID: String
      let algorithm: String
      let paddingAlgorithm: KeyringFile.Entry.PaddingAlgorithm?
      let paddingHash: KeyringFile.Entry.PaddingHash?

      enum CodingKeys: String, CodingKey {
        case key
        case providerID = "provider-id"
        case algorithm = "encryption-algorithm"
        case paddingAlgorithm = "padding-algorithm"
        case paddingHash = "padding-hash"
      }
    }
    struct Result: Decodable {
      struct Output: Decodable { let plaintext: String }
      struct Failure: Decodable {}
      let output: Output?
      let error: Failure?
    }

    let description: String
    let ciphertext: String
    let masterKeys: [MasterKey]
    let encryptionContext: [String: String]
    let algorithmSuiteId: String
    let result: Result

    enum CodingKeys: String, CodingKey {
      case description, ciphertext, encryptionContext, algorithmSuiteId, result
      case masterKeys = "master-keys"
    }
  }

  struct Key: Decodable {
    let keyID: String
    let algorithm: KeyringFile.Entry.Algorithm
    let type: KeyringFile.Entry.KeyType
    let encoding: KeyringFile.Entry.Encoding
    let material: String

    enum CodingKeys: String, CodingKey {
      case keyID = "key-id"
      case algorithm, type, encoding, material
    }
  }

  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("reference-sdk")

  static func bytes(_ uri: String) throws -> [UInt8] {
    let path = uri.replacingOccurrences(of: "file://", with: "")
    return Array(try Data(contentsOf: directory.appendingPathComponent(path)))
  }

  static func keyrings(
    for test: Case, from keys: [String: Key]
  ) throws -> [any Keyring] {
    let entries = try test.masterKeys.map { master in
      let key = try #require(keys[master.key])
      return KeyringFile.Entry(
        providerID: master.providerID, keyID: key.keyID, algorithm: key.algorithm, type: key.type,
        bits: nil, encoding: key.encoding, material: SecretText(key.material),
        paddingAlgorithm: master.paddingAlgorithm, paddingHash: master.paddingHash)
    }
    return try KeyringFile(keys: entries).keyrings()
  }

  @Test func everyVectorGivesTheVerdictOfItsManifest() throws {
    struct Keys: Decodable { let keys: [String: Key] }
    let manifest = try JSONDecoder().decode(
      Manifest.self, from: Data(try Self.bytes("manifest.json")))
    let keys = try JSONDecoder().decode(Keys.self, from: Data(try Self.bytes("keys.json"))).keys
    #expect(manifest.tests.count == 467)
    var opened = 0
    var refused = 0
    for (name, test) in manifest.tests.sorted(by: { $0.key < $1.key }) {
      let ciphertext = try Self.bytes(test.ciphertext)
      let decryptor = MessageDecryptor(
        materialsProvider: MultiKeyring(try Self.keyrings(for: test, from: keys)),
        requiredContext: try EncryptionContext(
          test.encryptionContext.map { (key: $0.key, value: $0.value) }),
        policy: .requireEncryptAllowDecrypt)
      let sink = MemorySink(discardsOnFailure: false)
      if let output = test.result.output {
        let summary = try decryptor.decrypt(from: MemorySource(ciphertext), to: sink)
        #expect(sink.bytes == (try Self.bytes(output.plaintext)), "\(name): \(test.description)")
        #expect(summary.header.suite.rawValue == UInt16(test.algorithmSuiteId, radix: 16))
        opened += 1
      } else {
        #expect(throws: (any Error).self, "\(name): \(test.description)") {
          try decryptor.decrypt(from: MemorySource(ciphertext), to: sink)
        }
        refused += 1
      }
    }
    #expect(opened == 168)
    #expect(refused == 299)
  }
}
