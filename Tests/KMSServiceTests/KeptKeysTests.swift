import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// Messages that keep their own keys when they are encrypted again.
@Suite final class KeptKeysTests: KeystoreSuite {
  private var opening: [any Keyring] { [KeystoreKeyring(service, unwrappingUnder: nil)] }

  private func reencryptor(_ files: [KeyringFile] = []) throws -> MessageReencryptor {
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    return MessageReencryptor(
      keeping: KeptKeys(
        keyrings: try files.flatMap { try $0.keyrings() }, keystore: { keyring }))
  }

  /// Encrypts the message again, even if it is current.
  private func again(_ message: [UInt8], _ files: [KeyringFile] = []) throws -> [UInt8] {
    let opened = try MemoryMessage.open(
      message, with: opening + (try files.flatMap { try $0.keyrings() }))
    let sink = MemorySink()
    _ = try reencryptor(files).reencrypt(opened, to: sink)
    #expect(sink.bytes != message)
    return sink.bytes
  }

  private func isCurrent(_ message: [UInt8], _ files: [KeyringFile] = []) throws -> Bool {
    try reencryptor(files).isCurrent(
      try MemoryMessage.open(
        message, with: opening + (try files.flatMap { try $0.keyrings() })))
  }

  private func names(_ message: [UInt8], _ files: [KeyringFile] = []) throws -> [String] {
    try MemoryMessage.open(message, with: opening + (try files.flatMap { try $0.keyrings() }))
      .header.encryptedDataKeys.map { "\($0.providerID) \($0.keyName)" }
  }

  private func lost(
    _ message: [UInt8], _ files: [KeyringFile] = [], opening others: [any Keyring] = []
  ) throws -> KeysNotKeptError? {
    let opened = try MemoryMessage.open(
      message, with: opening + others + (try files.flatMap { try $0.keyrings() }))
    return #expect(throws: KeysNotKeptError.self) {
      try reencryptor(files).keyrings(for: opened)
    }
  }

  @Test(arguments: KeySpec.forFiles)
  func aKeyOfTheKeystoreStays(spec: KeySpec) throws {
    let id = try service.createKey(spec: spec).keyID
    let message = try MemoryMessage.encrypt("text", under: [try service.wrappingKeyring(id)])
    #expect(try isCurrent(message))
    let new = try again(message)
    #expect(try names(new) == names(message))
    #expect(try MemoryMessage.decrypt(new, with: opening) == "text")
    #expect(
      try MemoryMessage.open(new, with: opening).header.encryptionContext["a"] == "b")
  }

  @Test func aRotatedKeyMovesToItsCurrentVersion() throws {
    let id = try service.createKey().keyID
    let other = try service.createKey().keyID
    let first = [try service.wrappingKeyring(id), try service.wrappingKeyring(other)]
    try service.perform(RotateKeyOnDemandRequest(keyID: id))
    let message = try MemoryMessage.encrypt(
      "text", under: first + [try service.wrappingKeyring(id)])
    #expect(try !isCurrent(message))
    let new = try again(message)
    // Two versions of one key have become one.
    #expect(try names(new) == ["envcrypt \(id)/2", "envcrypt \(other)/1"])
    #expect(try isCurrent(new))
  }

  /// Others who have the key under the name in the message can open the new message too.
  @Test(arguments: KeyKind.allCases)
  func anImportedKeyKeepsItsName(kind: KeyKind) throws {
    let file = try kind.keyringFile()
    _ = try service.importKey(file)
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    #expect(try isCurrent(message))
    let new = try again(message)
    #expect(try names(new) == names(message))
    #expect(try MemoryMessage.decrypt(new, with: try file.keyrings()) == "text")
    #expect(try MemoryMessage.decrypt(new, with: opening) == "text")
  }

  @Test(arguments: KeyKind.allCases)
  func aKeyFromAFileStays(kind: KeyKind) throws {
    let file = try kind.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    #expect(try isCurrent(message, [file]))
    let new = try again(message, [file])
    #expect(try names(new, [file]) == names(message, [file]))
    #expect(try MemoryMessage.decrypt(new, with: try file.keyrings()) == "text")
  }

  /// Two files may have two keys of the same name. Each message keeps its own key, and a message
  /// under both keeps both.
  @Test(arguments: [KeyKind.aes, .rsa])
  func ofTwoKeysOfOneNameTheRightOneStays(kind: KeyKind) throws {
    let files = try (0..<2).map { _ in try kind.keyringFile() }
    for used in [[files[0]], [files[1]], files] {
      let message = try MemoryMessage.encrypt(
        "text", under: try used.flatMap { try $0.keyrings() })
      for given in [files, files.reversed()] {
        let new = try again(message, given)
        for file in used {
          #expect(try MemoryMessage.decrypt(new, with: try file.keyrings()) == "text")
        }
        for file in files where used.count == 1 && file != used[0] {
          #expect(throws: (any Error).self) {
            try MemoryMessage.decrypt(new, with: try file.keyrings())
          }
        }
      }
    }
  }

  /// A message under a stranger's key does not take the key of the same name from the next message.
  @Test func aStrangersKeyOfTheSameNameChangesNothing() throws {
    let files = try (0..<2).map { _ in try KeyKind.aes.keyringFile() }
    let messages = try files.map { try MemoryMessage.encrypt("text", under: try $0.keyrings()) }
    let keys = KeptKeys(keyrings: try files[1].keyrings(), keystore: { nil })
    let headers = try zip(messages, files).map {
      try MemoryMessage.open($0, with: try $1.keyrings()).header
    }
    for _ in 0..<2 {
      #expect(throws: KeysNotKeptError.self) { try keys.keyrings(of: headers[0]) }
      #expect(try keys.keyrings(of: headers[1]).count == 1)
    }
  }

  /// The message contains the public key of an elliptic-curve recipient, but only the fingerprint
  /// of an RSA recipient.
  @Test func recipients() throws {
    let own = try service.createKey().keyID
    let ec = try KeyKind.bareEC.keyringFile()
    let rsa = try KeyKind.bareRSA.keyringFile()
    let key = try service.wrappingKeyring(own)
    let toEC = try MemoryMessage.encrypt("text", under: [key] + (try ec.keyrings()))
    let new = try again(toEC)
    #expect(try names(new) == names(toEC))
    #expect(try MemoryMessage.decrypt(new, with: try ec.keyrings()) == "text")

    let toRSA = try MemoryMessage.encrypt("text", under: [key] + (try rsa.keyrings()))
    // Nothing needs to be done.
    #expect(try isCurrent(toRSA))
    let error = try lost(toRSA)
    #expect(error?.lost.map(\.obstacle) == [.onlyFingerprint])
    #expect(error?.lost.map(\.name.keyName) == [rsa.keys[0].keyID])
    #expect(error?.kept.map(\.keyName) == ["\(own)/1"])
    try service.perform(RotateKeyOnDemandRequest(keyID: own))
    #expect(try !isCurrent(toRSA))
    #expect(try lost(toRSA)?.kept.map(\.keyName) == ["\(own)/2"])
    let kept = try again(toRSA, [rsa])
    #expect(try MemoryMessage.decrypt(kept, with: try rsa.keyrings()) == "text")
    #expect(try names(kept)[0] == "envcrypt \(own)/2")
  }

  @Test func whatNobodyHereHasIsNamed() throws {
    let own = try service.createKey().keyID
    let stranger = try KeyKind.aes.keyringFile(keyID: "strange")
    let elsewhere = try TestKeystore()
    let theirs = try elsewhere.service.createKey().keyID
    let message = try MemoryMessage.encrypt(
      "text",
      under: [try service.wrappingKeyring(own)] + (try stranger.keyrings())
        + [try elsewhere.service.wrappingKeyring(theirs)])
    let error = try lost(message)
    #expect(error?.lost.map(\.name.keyName) == ["strange", "\(theirs)/1"])
    #expect(error?.lost.map(\.obstacle) == [.notAtHand, .notAtHand])
    // An exported copy suffices, with its latest version.
    try elsewhere.service.perform(RotateKeyOnDemandRequest(keyID: theirs))
    let copy = try elsewhere.service.exportKey(theirs).file
    let new = try again(message, [stranger, copy])
    #expect(
      try names(new) == ["envcrypt \(own)/1", "theirs strange", "envcrypt \(theirs)/2"])
    #expect(
      try MemoryMessage.decrypt(
        new, with: [KeystoreKeyring(elsewhere.service, unwrappingUnder: nil)]) == "text")
  }

  @Test func aKeyForReadingOnlyIsNamed() throws {
    var file = try KeyKind.rsa.keyringFile()
    let own = try service.createKey().keyID
    let message = try MemoryMessage.encrypt(
      "text", under: [try service.wrappingKeyring(own)] + (try file.keyrings()))
    file.keys[0].paddingAlgorithm = .pkcs1
    file.keys[0].paddingHash = nil
    #expect(try lost(message, [file])?.lost.map(\.obstacle) == [.onlyForReading])
    _ = try service.importKey(file)
    #expect(try lost(message)?.lost.map(\.obstacle) == [.onlyForReading])
  }

  /// A key that is not usable is not dropped from the message: it stays as it is, or nothing is
  /// done.
  @Test func aKeyThatMayNotBeUsedIsNamed() throws {
    let own = try service.createKey().keyID
    let other = try service.createKey().keyID
    let message = try MemoryMessage.encrypt(
      "text", under: [try service.wrappingKeyring(own), try service.wrappingKeyring(other)])
    try service.perform(DisableKeyRequest(keyID: other))
    #expect(try isCurrent(message))
    #expect(
      try lost(message)?.lost.map(\.obstacle) == [.refused(KeyServiceError.disabled(keyID: other))])
    // If the key was rotated before, the message is not under its current version and cannot be
    // updated.
    try service.perform(EnableKeyRequest(keyID: other))
    try service.perform(RotateKeyOnDemandRequest(keyID: other))
    try service.perform(DisableKeyRequest(keyID: other))
    #expect(try !isCurrent(message))
    #expect(try lost(message)?.lost.map(\.name.keyName) == ["\(other)/2"])
    try service.perform(ScheduleKeyDeletionRequest(keyID: other, pendingWindowInDays: 7))
    keystore.clock.advance(days: 7)
    #expect(try lost(message)?.lost.map(\.obstacle) == [.refused(KeyServiceError.notFound(other))])
  }

  /// The policy decides about wrapping under the message's own keys as it does about any other
  /// wrapping.
  @Test func thePolicyIsAsked() throws {
    let own = try service.createKey().keyID
    let message = try MemoryMessage.encrypt("text", under: [try service.wrappingKeyring(own)])
    try service.perform(
      PutKeyPolicyRequest(
        keyID: own,
        policy: Policies.document(
          Policies.statement(principal: #""*""#),
          Policies.statement(
            effect: "Deny", principal: #""*""#, action: #""kms:GenerateDataKey""#))))
    let error = #expect(throws: KeyServiceError.self) { try again(message) }
    #expect(error?.name == "AccessDeniedException")
  }

  /// If a key was imported twice, the copy that may wrap is used.
  @Test(arguments: KeyKind.allCases)
  func oneCopyOfAKeyIsEnough(kind: KeyKind) throws {
    let file = try kind.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    let copies = try (0..<2).map { _ in try service.importKey(file).keyID }
    let deny = Policies.document(
      Policies.statement(principal: #""*""#),
      Policies.statement(
        effect: "Deny", principal: #""*""#, action: #"["kms:GenerateDataKey", "kms:Encrypt"]"#))
    for copy in copies {
      try service.perform(PutKeyPolicyRequest(keyID: copy, policy: deny))
      #expect(try MemoryMessage.decrypt(try again(message), with: try file.keyrings()) == "text")
      try service.resetKeyPolicy(copy)
      try service.perform(DisableKeyRequest(keyID: copy))
      #expect(try MemoryMessage.decrypt(try again(message), with: try file.keyrings()) == "text")
      try service.perform(EnableKeyRequest(keyID: copy))
    }
    for copy in copies { try service.perform(DisableKeyRequest(keyID: copy)) }
    let opened = try MemoryMessage.open(message, with: try file.keyrings())
    let error = #expect(throws: KeysNotKeptError.self) {
      try reencryptor().keyrings(for: opened)
    }
    guard case .refused(KeyServiceError.disabled)? = error?.lost.first?.obstacle else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// A message under imported key material that was rotated moves to the current material.
  @Test func rotatedImportedMaterial() throws {
    let file = try KeyKind.aes.keyringFile()
    let id = try service.importKey(file).keyID
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    try service.importMaterial(patternBytes(32), into: id, type: .newKeyMaterial)
    try service.perform(RotateKeyOnDemandRequest(keyID: id))
    #expect(try !isCurrent(message))
    let new = try again(message)
    #expect(try names(new) == ["envcrypt \(id)/2"])
    #expect(try isCurrent(new))
  }
}
