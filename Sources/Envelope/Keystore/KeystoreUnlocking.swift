import Foundation
import SystemPackage

/// Where the secrets that unlock a keystore come from: the terminal, a file, a command.
public protocol UnlockingSecrets {
  /// Where a key-file protector's file is now, if not where it was.
  var keyFile: FilePath? { get }
  /// The passphrase; nil where none can be had. Asked for at most once.
  func passphrase() throws -> SecretBytes?
  /// Hears of what the mode of the keystore's file does not show, where no secret was wanted.
  func hear(_ exposures: [KeystoreExposure], of path: FilePath)
}

extension UnlockingSecrets {
  public func hear(_ exposures: [KeystoreExposure], of path: FilePath) {}
}

extension Keystore {
  /// The root key at work. Tried once: a second call answers as the first did. Who only looks what is
  /// wrong with the store comes in also by a protector that the ledger does not list.
  func unlock(
    with secrets: any UnlockingSecrets, anyProtector: Bool = false
  ) throws -> UnlockedKeystore {
    if let unlocked { return try unlocked.get() }
    let result = Result {
      let (unlocked, protector) = try unlockAnew(with: secrets, requirePassphrase: false)
      if !anyProtector { try read { try unlocked.verifyListed(protector, $0) } }
      return unlocked
    }
    unlocked = result
    return try result.get()
  }

  /// Unlocks the store before anything else is asked for. Throws `KeystoreError`.
  public func unlock(_ secrets: any UnlockingSecrets) throws {
    let _: UnlockedKeystore = try unlock(with: secrets)
  }

  /// Unlocks once more, and with the passphrase where one is among the protectors: the keystore is
  /// about to hand out a key.
  func reauthenticate(with secrets: any UnlockingSecrets) throws {
    let (unlocked, protector) = try unlockAnew(with: secrets, requirePassphrase: true)
    try read { try unlocked.verifyListed(protector, $0) }
    self.unlocked = .success(unlocked)
  }

  private typealias Unlocking = (unlocked: UnlockedKeystore, by: ProtectorRecord)

  private func unlockAnew(
    with secrets: any UnlockingSecrets, requirePassphrase: Bool
  ) throws -> Unlocking {
    let protectors = try read(ProtectorRecord.oldestFirst)
    let passphrases = protectors.filter { $0.kind == .passphrase }
    var reasons: [String] = []
    if !requirePassphrase || passphrases.isEmpty {
      for protector in protectors where protector.kind == .none {
        if let rootKey = protector.rootKeyInTheClear() {
          let exposures = KeystoreExposure.all(of: path, owner: owner)
          if !exposures.isEmpty { secrets.hear(exposures, of: path) }
          return (try accept(rootKey), protector)
        }
        throw KeystoreError.editedRecord("protector \(protector.id)")
      }
      if let unlocked = try unlock(
        protectors.filter { $0.kind == .keyFile }, keyFile: secrets.keyFile, reasons: &reasons)
      {
        return unlocked
      }
    }
    if !passphrases.isEmpty {
      if let passphrase = try secrets.passphrase() {
        for protector in passphrases {
          if let rootKey = try protector.unwrap(passphrase: passphrase, keystoreID: id) {
            return (try accept(rootKey), protector)
          }
        }
        throw KeystoreError.wrongPassphrase
      }
      reasons.append("a passphrase is needed, and there is no terminal to ask on")
    }
    throw KeystoreError.locked(reasons: reasons)
  }

  private func unlock(
    _ protectors: [ProtectorRecord], keyFile: FilePath?, reasons: inout [String]
  ) throws -> Unlocking? {
    for protector in protectors {
      guard let path = keyFile ?? protector.keyFilePath.map({ FilePath($0) }) else { continue }
      let contents: SecretBytes
      do {
        contents = try KeyFile.read(path)
      } catch let error as IOError where keyFile == nil {
        reasons.append("key file \(error.path.string): \(error.errno)")
        continue
      }
      if let rootKey = try protector.unwrap(keyFile: contents, keystoreID: id) {
        return (try accept(rootKey), protector)
      }
      if keyFile == nil { reasons.append("key file \(path.string) is not the one that was used") }
    }
    if let keyFile, !protectors.isEmpty { throw KeystoreError.wrongKeyFile(keyFile) }
    return nil
  }

  private func accept(_ rootKey: consuming RootKey) throws -> UnlockedKeystore {
    var record = record
    // Somebody may have given the store its ledger since it was opened.
    if record.ledger == nil { record = try read { try Self.record(of: path, $0) } }
    let unlocked = try UnlockedKeystore(
      rootKey, keystoreID: id, hasLedger: record.ledger != nil)
    try unlocked.verifyCode(of: record)
    return unlocked.ledger == nil ? try addLedger(unlocked) : unlocked
  }

  /// Gives a store of 0.1.0 its ledger. Where it cannot be written it goes without.
  private func addLedger(_ old: UnlockedKeystore) throws -> UnlockedKeystore {
    let new = try old.withLedger()
    do {
      try write { db in
        if try Self.record(of: path, db).ledger == nil {
          try new.takeOver(from: old, db)
        }
      }
    } catch KeystoreError.readOnly {
      return old
    }
    return new
  }

  /// The root key at work, where somebody has unlocked the store.
  var unlockedStore: UnlockedKeystore? { try? unlocked?.get() }
}
