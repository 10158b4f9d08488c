import Envelope
import KMSAPI
import KMSKeystore

/// The use of a key of the keystore by a command that processes messages. Every use is recorded in
/// the audit log before its result is returned.
struct KeyUse: Sendable {
  private let operation: String
  private let caller: String
  private let keyID: String
  private let version: UInt32
  private let requestID: [UInt8]
  private let trail: AuditTrail?
  private let now: @Sendable () -> Int64
  private let authorization: Authorization
  private let use: VersionUse?

  init(of found: KeyForMessages, _ call: OperationCall) throws {
    operation = call.operation.rawValue
    caller = call.service.caller.arn
    keyID = found.key.record.id
    version = UInt32(found.key.version.version)
    requestID = call.service.requestID
    trail = try call.service.host.trail()
    let clock = call.service.host.clock
    now = { clock().milliseconds }
    use = VersionUse(found.key.version, of: found.key.record)
    authorization = found.authorization
  }

  /// Throws `deniedByPolicy` if the key's policy does not let the caller use the key with this
  /// context.
  func authorize(context: [UInt8], messageID: [UInt8] = []) throws {
    do {
      try authorization.decide(context: context, at: now())
    } catch let error as KeyServiceError {
      try record(context: context, messageID: messageID, error: error)
      throw error
    }
  }

  /// Records one use of the key for a message, and `error` if it failed. Throws `UnrecordedError` if the keystore
  /// requires the record and the record cannot be written.
  func record(context: [UInt8], messageID: [UInt8], error: KeyServiceError?) throws {
    try trail?.add(
      [
        AuditRecord(
          time: now(), operation: operation, caller: caller, keyID: keyID, keyVersion: version,
          context: AuditRecord.context(context, messageID: messageID), requestID: requestID,
          error: error)
      ], of: use.map { [$0] } ?? [])
  }
}

/// A keyring with a key of the keystore. It records every use of the key.
struct RecordedKeyring: Keyring {
  private let keyring: any Keyring
  private let use: KeyUse

  init(_ keyring: any Keyring, use: KeyUse) {
    self.keyring = keyring
    self.use = use
  }

  var keyDescriptions: [String] { keyring.keyDescriptions }
  var wrappingKey: WrappingKeyName? { keyring.wrappingKey }

  func wrap(_ request: borrowing WrapRequest) throws -> EncryptedDataKey {
    try use.authorize(context: request.context, messageID: request.messageID)
    let encrypted = try keyring.wrap(request)
    try use.record(context: request.context, messageID: request.messageID, error: nil)
    return encrypted
  }

  func unwrap(_ encrypted: EncryptedDataKey, context: [UInt8]) throws -> DataKey? {
    try unwrap(encrypted, context: context, messageID: [])
  }

  func unwrap(
    _ encrypted: EncryptedDataKey, context: [UInt8], messageID: [UInt8]
  ) throws -> DataKey? {
    try use.authorize(context: context, messageID: messageID)
    do {
      guard let dataKey = try keyring.unwrap(encrypted, context: context) else {
        try use.record(context: context, messageID: messageID, error: .invalidCiphertext)
        return nil
      }
      try use.record(context: context, messageID: messageID, error: nil)
      return dataKey
    } catch CryptoError.authenticationFailed {
      try use.record(context: context, messageID: messageID, error: .invalidCiphertext)
      throw CryptoError.authenticationFailed
    }
  }
}
