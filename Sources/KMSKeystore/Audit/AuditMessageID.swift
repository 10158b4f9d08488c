import Envelope

/// The message ID in the record of a key's use for a message: a reserved pair of the record's
/// encryption context. Envcrypt up to 0.2.0 wrote records without it, and shows it as a pair.
extension AuditRecord {
  /// Returns the encryption context of a record: that of a message, serialized, with the message ID.
  /// Leaves the ID out if a context of this length cannot take another pair, or if the ID is empty.
  package static func context(_ context: [UInt8], messageID: [UInt8]) -> [UInt8] {
    guard !messageID.isEmpty, var parsed = EncryptionContext(serialized: context) else {
      return context
    }
    let name = EncryptionContext.messageIDName
    // A message of another program may have such a pair; the ID in the header is the right one.
    parsed = parsed.removing(name)
    do throws(MessageError) {
      try parsed.insert(name, Hexadecimal.encode(messageID))
      return try parsed.serialized()
    } catch {
      return context
    }
  }

  /// The ID of the message in hexadecimal; nil if the operation was not one with a message.
  package var messageID: String? {
    EncryptionContext(serialized: context)?[EncryptionContext.messageIDName]
  }

  package var encryptionContext: EncryptionContext {
    EncryptionContext(serialized: context)?.removing(EncryptionContext.messageIDName)
      ?? EncryptionContext()
  }
}
