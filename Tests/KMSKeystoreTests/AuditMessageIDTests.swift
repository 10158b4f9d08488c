import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import TestSupport

/// The message ID in a record: it must not change the encryption context that the record shows, nor
/// the format of the log.
@Suite struct AuditMessageIDTests {
  private let id = patternBytes(32)

  private func record(_ context: EncryptionContext, id: [UInt8]) throws -> AuditRecord {
    var record = AuditRecord.numbered(1)
    record.context = AuditRecord.context(try context.serialized(), messageID: id)
    return record
  }

  @Test(
    arguments: [
      [:], ["a": "b"], ["aws-crypto-public-key": "x", "z": "", "": "y"],
    ] as [EncryptionContext])
  func theContextStaysAsItIs(context: EncryptionContext) throws {
    for id in [id, Array(id.prefix(16))] {
      let record = try record(context, id: id)
      #expect(record.messageID == Hexadecimal.encode(id))
      #expect(record.encryptionContext == context)
    }
    let without = try record(context, id: [])
    #expect(without.messageID == nil)
    #expect(without.context == (try context.serialized()))
    #expect(without.encryptionContext == context)
  }

  /// The bytes of a record with a message ID: those of a context with one more pair, which version
  /// 0.2.0 reads.
  @Test func theBytesAreThoseOfAPair() throws {
    let record = try record(["a": "b"], id: [0xAB, 0x01])
    #expect(
      record.context == [0, 2, 0, 1, 0x61, 0, 1, 0x62, 0, 21]
        + Array("aws-crypto-message-id".utf8) + [0, 4] + Array("ab01".utf8))
  }

  /// A pair takes 21 bytes for its name, 64 for the ID and 4 for their lengths.
  @Test(arguments: [(65_535 - 89, true), (65_535 - 88, false), (65_535, false)])
  func aContextThatIsFullHasNoRoom(length: Int, hasRoom: Bool) throws {
    let context = EncryptionContext(
      dictionaryLiteral: ("k", String(repeating: "v", count: length - 7)))
    #expect(try context.serialized().count == length)
    let record = try record(context, id: id)
    #expect((record.messageID != nil) == hasRoom)
    #expect(record.encryptionContext == context)
  }

  /// The ID is that of the header, even if another program wrote such a pair into its context.
  @Test func theIDInAForeignContextDoesNotCount() throws {
    let foreign = EncryptionContext(dictionaryLiteral: ("aws-crypto-message-id", "00"), ("a", "b"))
    let record = try record(foreign, id: id)
    #expect(record.messageID == Hexadecimal.encode(id))
    #expect(record.encryptionContext == ["a": "b"])
  }

  /// Bytes that are not a context stay as they are.
  @Test func damagedBytesStay() {
    let bytes: [UInt8] = [0, 9, 1]
    #expect(AuditRecord.context(bytes, messageID: id) == bytes)
  }
}
