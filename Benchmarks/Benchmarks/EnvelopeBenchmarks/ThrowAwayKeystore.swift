import Envelope
import Foundation
import KMSAPI
import KMSKeystore
import KMSService
import Synchronization
import SystemPackage

/// A keystore without a protector in its own directory, which exists until `removeAll`.
struct ThrowAwayKeystore {
  private static let directories = Mutex<[URL]>([])

  private let service: KeyService

  init() throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "envcrypt-benchmark-\(UUID().uuidString)")
    Self.directories.withLock { $0.append(directory) }
    let path = FilePath(directory.appending(path: "keystore.db").path)
    service = try KeyService(
      KeyServiceHost(try Keystore.create(at: path, protector: .none), secrets: NoSecrets()))
  }

  /// Removes the keystores of this process. A benchmark's state outlives the benchmark, so each
  /// benchmark calls this explicitly.
  static func removeAll() throws {
    try directories.withLock { directories in
      while let directory = directories.popLast() {
        try FileManager.default.removeItem(at: directory)
      }
    }
  }

  /// Returns a keyring with the bare key material, as an exported key provides it.
  func rawKeyring(_ spec: KeySpec) throws -> any Keyring {
    let key = try service.createKey(
      CreateKeyRequest(keySpec: spec, keyUsage: .encryptDecrypt), alias: nil)
    return try service.exportKey(key.keyID).keyrings()[0]
  }

  /// Looks up a new key of the keystore, as a command that encrypts does.
  func wrappingKey(_ spec: KeySpec) throws -> () throws -> any Keyring {
    let keyID = try service.createKey(
      CreateKeyRequest(keySpec: spec, keyUsage: .encryptDecrypt), alias: nil
    ).keyID
    return { try service.wrappingKeyring(keyID) }
  }

  /// Looks up the key that a message needs, as a command that decrypts does: once for each keyring.
  func unwrappingKeyring() -> any Keyring { KeystoreKeyring(service, unwrappingUnder: nil) }
}

private struct NoSecrets: UnlockingSecrets {
  var keyFile: FilePath? { nil }
  func passphrase() -> SecretBytes? { nil }
}
