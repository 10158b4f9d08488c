import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSService
import SystemPackage

/// A keystore with many symmetric keys, in a directory of its own, and some of these keys with a
/// ciphertext each.
struct FilledKeystore: Sendable {
  /// A key that requests name, and a data key under it.
  struct Sample: Sendable {
    let keyID: String
    let wrapped: Blob
  }

  /// The most keys that requests name. They are spread over the store, and so many that their pages
  /// do not all stay in SQLite's cache.
  private static let mostSamples = 10_000

  let keyCount: Int
  let host: KeyServiceHost
  /// The host of a second connection to the same file.
  let other: KeyServiceHost
  let samples: [Sample]

  init(keyCount: Int, in directory: FilePath) throws {
    let path = directory.appending("\(keyCount)-keys.db")
    var keyIDs: [String] = []
    // The keys are made in memory and in one transaction, so that nothing waits for a disk.
    let keystore = try Keystore.create(at: path, protector: .none) { keystore in
      let service = try KeyService(KeyServiceHost(keystore, secrets: NoSecrets()))
      keyIDs = try service.begin(.createKey).transaction { operations in
        try (0..<keyCount).map { _ in
          try operations.perform(CreateKeyRequest()).keyMetadata.keyID
        }
      }
    }
    let host = KeyServiceHost(keystore, secrets: NoSecrets())
    let service = try KeyService(host)
    samples = try keyIDs.shuffled().prefix(Self.mostSamples).map { keyID in
      let response = try service.perform(MeasuredOperation.generateDataKey(keyID))
      return Sample(keyID: keyID, wrapped: response.ciphertextBlob)
    }
    self.keyCount = keyCount
    self.host = host
    other = KeyServiceHost(try Keystore(at: path), secrets: NoSecrets())
  }
}

private struct NoSecrets: UnlockingSecrets {
  var keyFile: FilePath? { nil }
  func passphrase() -> SecretBytes? { nil }
}
