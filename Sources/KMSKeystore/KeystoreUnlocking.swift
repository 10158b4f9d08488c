import Envelope
import Foundation
import SystemPackage

/// A source of the secrets that unlock a keystore: the terminal, a file, a command.
package protocol UnlockingSecrets: Sendable {
  /// The current path of a key-file protector's file; nil if it is the recorded path.
  var keyFile: FilePath? { get }
  /// Returns the passphrase; nil if none is available. An attempt to unlock asks for it again only
  /// if `canTryAgain`.
  func passphrase() throws -> SecretBytes?
  /// Is told that the passphrase opens no protector. Returns true if there may be another one.
  func canTryAgain() -> Bool
  /// True if a person may be asked for the passphrase.
  var mayAsk: Bool { get }
  /// Receives the exposures that the mode of the keystore's file does not show, after a protector
  /// `none` unlocked the store.
  func hear(_ exposures: [KeystoreExposure], of path: FilePath)
}

extension UnlockingSecrets {
  package func canTryAgain() -> Bool { false }

  package var mayAsk: Bool { false }

  package func hear(_ exposures: [KeystoreExposure], of path: FilePath) {}
}

extension Keystore {
  /// Unlocks the store. Tries only once: a second call has the same result. With `anyProtector`, a
  /// protector that the ledger does not list unlocks the store, too, so that a check can find the
  /// damage. Later calls without `anyProtector` then throw.
  package func unlock(
    with secrets: any UnlockingSecrets, anyProtector: Bool = false
  ) throws -> UnlockedKeystore {
    // A transaction of this thread may be under way, so never wait here for a thread that unlocks
    // the store again: it needs a transaction, too.
    if let done = try unlocking.withLock({ try $0.done(anyProtector) }) { return done }
    return try attempts.withLock { _ in
      if let done = try unlocking.withLock({ try $0.done(anyProtector) }) { return done }
      var state = Unlocking()
      state.result = Result {
        try unlockAnew(with: secrets, requirePassphrase: false, anyProtector: anyProtector, &state)
      }
      if case .failure(let error as PassphraseNeeded) = state.result { throw error }
      unlocking.withLock { $0 = state }
      return try state.result!.get()
    }
  }

  /// True if a person must be asked for a passphrase before the store can be used. Asks nobody, and
  /// unlocks the store if that is possible. Throws if no passphrase can unlock it.
  package func mustAsk(for secrets: any UnlockingSecrets) throws -> Bool {
    guard secrets.mayAsk else { return false }
    do {
      _ = try unlock(with: UnaskedSecrets(asking: secrets))
      return false
    } catch is PassphraseNeeded {
      return true
    }
  }

  /// The result of unlocking.
  struct Unlocking {
    var result: Result<UnlockedKeystore, any Error>?
    /// The reason why the protector that unlocked the store does not count; nil if it does.
    var refusal: KeystoreError?
    /// The ID of the protector that unlocked the store; nil if its protector does not count, or if
    /// the store was just made.
    var protectorID: String?

    /// Returns the unlocked store, or throws the reason why it was not unlocked. Nil if that was
    /// not tried yet.
    fileprivate func done(_ anyProtector: Bool) throws -> UnlockedKeystore? {
      if let refusal, !anyProtector { throw refusal }
      return try result?.get()
    }
  }

  /// Unlocks the store before any other secret is asked for. Throws `KeystoreError`.
  package func unlock(_ secrets: any UnlockingSecrets) throws {
    let _: UnlockedKeystore = try unlock(with: secrets)
  }

  /// Unlocks the store again, before it hands out a key. Requires the passphrase if there is a
  /// passphrase protector.
  package func reauthenticate(with secrets: any UnlockingSecrets) throws {
    try attempts.withLock { _ in
      var state = unlocking.withLock { $0 }
      state.result = .success(
        try unlockAnew(with: secrets, requirePassphrase: true, anyProtector: false, &state))
      unlocking.withLock { $0 = state }
    }
  }

  /// The findings of one attempt to unlock.
  private struct Gate {
    /// The reason why the last unusable protector cannot be used. Another protector may still
    /// unlock the store.
    var refusal: KeystoreError?
    /// The store as unlocked by the first protector that the ledger does not list.
    var stray: UnlockedKeystore?
    /// The reasons why other protectors were not tried or did not match.
    var reasons: [String] = []
    /// The reason why the first file that a protector names cannot be a key file.
    var unusableKeyFile: (any Error)?
    /// The ID of the protector that unlocked the store.
    var protectorID: String?
  }

  private func unlockAnew(
    with secrets: any UnlockingSecrets, requirePassphrase: Bool, anyProtector: Bool,
    _ state: inout Unlocking
  ) throws -> UnlockedKeystore {
    var gate = Gate()
    do {
      let unlocked = try unlockByCurrentProtector(with: secrets, requirePassphrase, &gate)
      state.refusal = nil
      state.protectorID = gate.protectorID
      return unlocked
    } catch let error as KeystoreError {
      guard anyProtector, let stray = gate.stray else { throw error }
      state.refusal = gate.refusal ?? error
      return stray
    }
  }

  private func unlockByCurrentProtector(
    with secrets: any UnlockingSecrets, _ requirePassphrase: Bool, _ gate: inout Gate
  ) throws -> UnlockedKeystore {
    let protectors = try read { db in
      try ProtectorRecord.oldestFirst(db) { gate.refusal = $0 }
    }
    let passphrases = protectors.filter { $0.kind == .passphrase }
    if !requirePassphrase || passphrases.isEmpty {
      for protector in protectors where protector.kind == .none {
        guard let rootKey = protector.rootKeyInTheClear() else {
          gate.refusal = .editedRecord("protector \(protector.id)")
          continue
        }
        guard let unlocked = try accept(rootKey, of: protector, &gate) else { continue }
        let exposures = KeystoreExposure.all(of: path, owner: owner)
        if !exposures.isEmpty { secrets.hear(exposures, of: path) }
        return unlocked
      }
      if let unlocked = try unlock(
        protectors.filter { $0.kind == .keyFile }, keyFile: secrets.keyFile, &gate)
      {
        return unlocked
      }
    }
    if !passphrases.isEmpty {
      let affordable = try affordable(passphrases, &gate)
      while let passphrase = try secrets.passphrase() {
        for protector in affordable {
          if let rootKey = try protector.unwrap(passphrase: passphrase, keystoreID: id),
            let unlocked = try accept(rootKey, of: protector, &gate)
          {
            return unlocked
          }
        }
        if let refusal = gate.refusal { throw refusal }
        guard secrets.canTryAgain() else { throw KeystoreError.wrongPassphrase(path) }
      }
      gate.reasons.append("a passphrase is needed, and there is no terminal to ask on")
    }
    if let refusal = gate.refusal { throw refusal }
    throw gate.unusableKeyFile ?? KeystoreError.locked(path, reasons: gate.reasons)
  }

  /// Returns the protectors on which a passphrase may be tried. This is decided before any work is
  /// done, because a user who can write the file decides their costs. Throws `costlyProtectors`.
  private func affordable(
    _ protectors: [ProtectorRecord], _ gate: inout Gate
  ) throws -> [ProtectorRecord] {
    var work: UInt64 = 0
    let affordable = protectors.filter { protector in
      guard let scrypt = protector.scrypt else {
        gate.refusal = .costlyProtector(protector.id)
        return false
      }
      work += scrypt.work
      return true
    }
    // A store with the maximum number of protectors and our own parameters stays within this limit.
    guard work <= UInt64(ProtectorRecord.mostProtectors) * Scrypt.standard.work else {
      throw KeystoreError.costlyProtectors
    }
    return affordable
  }

  private func unlock(
    _ protectors: [ProtectorRecord], keyFile: FilePath?, _ gate: inout Gate
  ) throws -> UnlockedKeystore? {
    for protector in protectors {
      guard let path = keyFile ?? protector.keyFilePath.map({ FilePath($0) }) else { continue }
      // The row that names the file is not authenticated yet, so a path that is not a regular file
      // is not even opened.
      if keyFile == nil, let status = try? FileStatus.at(path), status.kind != .regular {
        gate.reasons.append("key file \(path.string) is not a regular file")
        continue
      }
      let contents: SecretBytes
      do {
        contents = try KeyFile.read(path)
      } catch let error as IOError where keyFile == nil {
        gate.reasons.append("key file \(error.path.string): \(error.errno)")
        continue
      } catch  where keyFile == nil && Self.isAboutTheFile(error) {
        gate.unusableKeyFile = gate.unusableKeyFile ?? error
        continue
      }
      guard let rootKey = try protector.unwrap(keyFile: contents, keystoreID: id) else {
        if let kind = NoKeyMaterial(contents) {
          let error = KeyFile.error(path, kind)
          if keyFile != nil { throw gate.refusal ?? error }
          gate.unusableKeyFile = gate.unusableKeyFile ?? error
        } else if keyFile == nil {
          gate.reasons.append("key file \(path.string) does not match its protector")
        }
        continue
      }
      if let unlocked = try accept(rootKey, of: protector, &gate) { return unlocked }
    }
    if let keyFile, !protectors.isEmpty { throw gate.refusal ?? .wrongKeyFile(keyFile, of: path) }
    return nil
  }

  /// True if the file is not a key file, or may be read by others. A row that is not authenticated
  /// yet names the file, so it must not keep another protector from being tried.
  private static func isAboutTheFile(_ error: any Error) -> Bool {
    switch error {
    case KeystoreError.unusableKeyFile, is FileRuleError: true
    default: false
    }
  }

  /// Returns the unlocked store. Nil if the root key is not the store's, or if the protector is no
  /// longer one of the store's.
  private func accept(
    _ rootKey: consuming RootKey, of protector: ProtectorRecord, _ gate: inout Gate
  ) throws -> UnlockedKeystore? {
    var stray: UnlockedKeystore?
    do {
      let unlocked = try accept(rootKey)
      stray = unlocked
      try read { try unlocked.verifyListed(protector, $0) }
      gate.protectorID = protector.id
      return unlocked
    } catch let error as KeystoreError {
      guard case .editedRecord = error else { throw error }
      gate.refusal = error
      gate.stray = gate.stray ?? stray
      return nil
    }
  }

  private func accept(_ rootKey: consuming RootKey) throws -> UnlockedKeystore {
    var record = record
    // Another process may have added the ledger since the store was opened.
    if record.ledger == nil { record = try read { try Self.record(of: path, $0) } }
    let unlocked = try UnlockedKeystore(
      rootKey, keystoreID: id, hasLedger: record.ledger != nil)
    try unlocked.verifyCode(of: record)
    return unlocked.ledger == nil ? try addLedger(unlocked) : unlocked
  }

  /// Adds a ledger to a store of version 0.1.0. If the store cannot be written, returns it without
  /// a ledger.
  private func addLedger(_ old: UnlockedKeystore) throws -> UnlockedKeystore {
    let new = try old.withLedger()
    do {
      try write { db in
        if try Self.record(of: path, db).ledger == nil {
          try new.takeOver(from: old, db)
        }
      }
    } catch KeystoreError.readOnly {
      return try goWithoutLedger(old)
    } catch let error as IOError where error.errno == .noSpace {
      return try goWithoutLedger(old)
    }
    return new
  }

  /// Forbids writes, because another process may add a ledger, and records written without one
  /// would not be valid then.
  private func goWithoutLedger(_ old: UnlockedKeystore) throws -> UnlockedKeystore {
    try database.forbidWriting()
    return old
  }

  /// The reason why the store could not be unlocked; nil if it was, or if that was not tried yet.
  package var unlockingError: (any Error)? {
    guard case .failure(let error) = unlocking.withLock({ $0.result }) else { return nil }
    return error
  }

  /// The ID of the protector that unlocked the store last; nil if none did.
  package var unlockingProtectorID: String? { unlocking.withLock { $0.protectorID } }

  /// The unlocked store; nil if it was not unlocked.
  package var unlockedStore: UnlockedKeystore? { try? unlocking.withLock { $0.result }?.get() }
}

/// The error of `UnaskedSecrets`. The store can still be unlocked after it.
private struct PassphraseNeeded: Error {}

/// The secrets of another source that are there without asking for a passphrase.
private struct UnaskedSecrets: UnlockingSecrets {
  private let all: any UnlockingSecrets

  init(asking all: any UnlockingSecrets) { self.all = all }

  var keyFile: FilePath? { all.keyFile }

  func passphrase() throws -> SecretBytes? { throw PassphraseNeeded() }

  func hear(_ exposures: [KeystoreExposure], of path: FilePath) { all.hear(exposures, of: path) }
}
