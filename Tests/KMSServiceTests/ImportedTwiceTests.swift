import Foundation
import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// A key that was imported twice is two keys of the keystore under one name. A message opens as
/// long as one of them is usable.
@Suite final class ImportedTwiceTests: KeystoreSuite {
  /// A reason why a copy cannot be used.
  enum Hindrance: CaseIterable, Sendable {
    case disabled, pendingDeletion, gone, denied
  }

  private func hinder(_ keyID: String, _ hindrance: Hindrance) throws {
    switch hindrance {
    case .disabled: try service.perform(DisableKeyRequest(keyID: keyID))
    case .pendingDeletion: try service.perform(ScheduleKeyDeletionRequest(keyID: keyID))
    case .gone:
      try service.perform(ScheduleKeyDeletionRequest(keyID: keyID))
      keystore.clock.advance(days: 31)
    case .denied:
      try service.perform(
        PutKeyPolicyRequest(
          keyID: keyID,
          policy: Policies.document(
            Policies.statement(principal: #""*""#),
            Policies.statement(
              effect: "Deny", principal: #""*""#,
              action: #"["kms:Decrypt", "kms:DeriveSharedSecret"]"#))))
    }
  }

  private func opening(_ names: [String]? = nil) -> [any Keyring] {
    [KeystoreKeyring(service, unwrappingUnder: names)]
  }

  @Test(arguments: KeyKind.allCases, Hindrance.allCases)
  func oneCopyIsEnough(kind: KeyKind, hindrance: Hindrance) throws {
    let file = try kind.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    let copies = try (0..<2).map { _ in try service.importKey(file).keyID }
    // The order of the look-up does not matter.
    for copy in copies {
      let other = copies.first { $0 != copy }!
      #expect(try MemoryMessage.decrypt(message, with: opening()) == "text")
      try hinder(copy, hindrance)
      #expect(try MemoryMessage.decrypt(message, with: opening()) == "text")
      #expect(try MemoryMessage.decrypt(message, with: opening([other])) == "text")
      #expect(throws: (any Error).self) {
        try MemoryMessage.decrypt(message, with: opening([copy]))
      }
      if hindrance == .gone { break }
      if hindrance == .pendingDeletion {
        try service.perform(CancelKeyDeletionRequest(keyID: copy))
      }
      try service.resetKeyPolicy(copy)
      try service.perform(EnableKeyRequest(keyID: copy))
    }
  }

  /// Each copy opens the message if only that copy is named: the look-up does not stop at another
  /// copy.
  @Test(arguments: KeyKind.allCases)
  func eachCopyOpensWhereItIsNamed(kind: KeyKind) throws {
    let file = try kind.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    for _ in 0..<3 { _ = try service.importKey(file) }
    for key in try service.listKeys() {
      #expect(try MemoryMessage.decrypt(message, with: opening([key.keyID])) == "text")
    }
    let stranger = try service.createKey().keyID
    #expect(throws: NoMatchingKeyError.self) {
      try MemoryMessage.decrypt(message, with: opening([stranger]))
    }
  }

  /// If no copy is usable, the error is about the copy that is easiest to make usable again.
  @Test(arguments: [
    ([Hindrance.pendingDeletion, .disabled], "DisabledException"),
    ([.gone, .disabled], "DisabledException"),
    ([.gone, .pendingDeletion], "KMSInvalidStateException"),
    ([.disabled, .denied], "AccessDeniedException"),
    ([.disabled, .disabled], "DisabledException"),
    ([.gone, .gone], "NotFoundException"),
  ])
  func theErrorSaysWhatIsInTheWay(hindrances: [Hindrance], name: String) throws {
    let file = try KeyKind.aes.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    let copies = try hindrances.map { _ in try service.importKey(file).keyID }
    for (copy, hindrance) in zip(copies, hindrances) { try hinder(copy, hindrance) }
    let error = #expect(throws: KeyServiceError.self) {
      try MemoryMessage.decrypt(message, with: opening())
    }
    #expect(error?.name == name)
  }

  /// Two programs may give two keys the same name.
  @Test(arguments: [KeyKind.aes, .rsa])
  func ofTwoKeysOfOneNameEachOpensItsMessages(kind: KeyKind) throws {
    let files = try (0..<2).map { _ in try kind.keyringFile() }
    for file in files { _ = try service.importKey(file) }
    for (index, file) in files.enumerated() {
      let message = try MemoryMessage.encrypt("\(index)", under: try file.keyrings())
      #expect(try MemoryMessage.decrypt(message, with: opening()) == "\(index)")
      // The same is true with keys from files, and with a key from a file before the keystore.
      let both = try files.flatMap { try $0.keyrings() }
      #expect(try MemoryMessage.decrypt(message, with: both) == "\(index)")
      let other = try files[1 - index].keyrings()
      #expect(try MemoryMessage.decrypt(message, with: other + opening()) == "\(index)")
    }
  }

  /// With PKCS #1 v1.5 a wrong key may unwrap to a data key that does not open the message. The
  /// next key is tried.
  @Test func aDataKeyThatOpensNothingIsNotTheLast() throws {
    let files = try (0..<2).map { _ in
      var file = try KeyKind.rsa.keyringFile()
      file.keys[0].paddingAlgorithm = .pkcs1
      file.keys[0].paddingHash = nil
      return file
    }
    for file in files { _ = try service.importKey(file) }
    for file in files {
      let key = try RSAPrivateKey(pem: file.keys[0].material.bytes).publicKey()
      let message = try MemoryMessage.encrypt("text", under: [PKCS1Wrapper(key: key)])
      #expect(try MemoryMessage.decrypt(message, with: opening()) == "text")
    }
  }

  /// Wraps with PKCS #1 v1.5, as only other programs do.
  private final class PKCS1Wrapper: Keyring {
    private let key: RSAPublicKey
    init(key: RSAPublicKey) { self.key = key }

    var keyDescriptions: [String] { [] }
    var wrappingKey: WrappingKeyName? { nil }

    func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
      EncryptedDataKey(
        providerID: "theirs", providerInformation: Array("key".utf8),
        ciphertext: try key.encrypt(request.dataKey.bytes, padding: .pkcs1))
    }

    func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? { nil }
  }

  /// The same holds for several keys of one message: the first usable key opens it, and the error
  /// is the most useful one.
  @Test func severalKeysOfAMessage() throws {
    let keys = try (0..<3).map { _ in try service.createKey().keyID }
    let message = try MemoryMessage.encrypt(
      "text", under: try keys.map { try service.wrappingKeyring($0) })
    try hinder(keys[0], .gone)
    try hinder(keys[1], .disabled)
    #expect(try MemoryMessage.decrypt(message, with: opening()) == "text")
    try hinder(keys[2], .pendingDeletion)
    #expect(throws: KeyServiceError.disabled(keyID: keys[1])) {
      try MemoryMessage.decrypt(message, with: opening())
    }
  }

  @Test func inspectNamesTheCopyThatOpens() throws {
    let file = try KeyKind.bareRSA.keyringFile()
    let message = try MemoryMessage.encrypt("text", under: try file.keyrings())
    let copies = try (0..<2).map { _ in try service.importKey(file).keyID }
    let encrypted = try MemoryMessage.open(message, with: opening()).header.encryptedDataKeys[0]
    for copy in copies {
      try hinder(copy, .disabled)
      #expect(try service.identify(encrypted)?.keyID == copies.first { $0 != copy })
      try service.perform(EnableKeyRequest(keyID: copy))
    }
  }
}
