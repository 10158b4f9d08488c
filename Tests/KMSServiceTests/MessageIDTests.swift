import Testing

@testable import Envelope
@testable import KMSAPI
@testable import KMSKeystore
@testable import KMSService
@testable import TestSupport

/// The records of the uses of keys for messages name the messages.
@Suite final class MessageIDTests: KeystoreSuite {
  private func records() throws -> [AuditRecord] {
    var records: [AuditRecord] = []
    try service.readAuditLog { records.append($1) }
    return records
  }

  private func encrypt(
    _ keyrings: [any Keyring], suite: AlgorithmSuite = .standard
  ) throws -> (message: [UInt8], id: String) {
    let sink = MemorySink()
    let summary = try MessageEncryptor(
      keyrings: keyrings, encryptionContext: ["a": "b"], suite: suite
    ).encrypt(from: MemorySource(Array("text".utf8)), to: sink)
    return (sink.bytes, Hexadecimal.encode(summary.header.messageID))
  }

  private func decrypt(_ message: [UInt8]) throws -> MessageSummary {
    let keyring = KeystoreKeyring(service, unwrappingUnder: nil)
    return try MessageDecryptor(
      materialsProvider: MultiKeyring([keyring]), requiredContext: [:],
      policy: .requireEncryptAllowDecrypt, scheduler: Scheduler()
    ).open(MemorySource(message)).decrypt(to: MemorySink())
  }

  @Test(arguments: [AlgorithmSuite.standard, .signing])
  func aRecordNamesItsMessage(suite: AlgorithmSuite) throws {
    let key = try service.createKey().keyID
    let other = try service.createKey().keyID
    let keyrings = try [key, other].map { try service.wrappingKeyring($0) }
    let first = try encrypt(keyrings, suite: suite)
    let second = try encrypt(keyrings, suite: suite)
    #expect(first.id != second.id)
    #expect(Hexadecimal.encode(try decrypt(second.message).header.messageID) == second.id)
    _ = try decrypt(first.message)
    let records = try records().dropFirst(2)
    #expect(
      records.map(\.messageID) == [first.id, first.id, second.id, second.id, second.id, first.id])
    #expect(records.allSatisfy { $0.encryptionContext["a"] == "b" })
    #expect(records.allSatisfy { $0.encryptionContext["aws-crypto-message-id"] == nil })
  }

  @Test func aRefusalNamesItsMessage() throws {
    let key = try service.createKey().keyID
    let made = try encrypt([try service.wrappingKeyring(key)])
    try service.perform(DisableKeyRequest(keyID: key))
    #expect(throws: KeyServiceError.disabled(keyID: key)) { try decrypt(made.message) }
    let last = try #require(try records().last)
    #expect(last.operation == "Decrypt" && last.errorCode == "DisabledException")
    #expect(last.messageID == made.id)
  }

  /// An operation of the API is not about a message, and cannot look like it.
  @Test func aRequestHasNoMessageID() throws {
    let key = try service.createKey().keyID
    _ = try service.encrypt("text", under: key, context: ["a": "b"])
    #expect(try records().allSatisfy { $0.messageID == nil })
    #expect(
      throws: KeyServiceError.validation("'aws-crypto-message-id' is reserved for the audit log")
    ) {
      try service.encrypt("text", under: key, context: ["aws-crypto-message-id": "00"])
    }
  }
}
