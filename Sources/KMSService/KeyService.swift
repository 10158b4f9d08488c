import Envelope
import Foundation
import KMSAPI
import KMSKeystore

/// The KMS operations on a keystore for one request, which has one caller and one request ID.
package struct KeyService: Sendable {
  package let host: KeyServiceHost
  package let caller: Caller
  /// 16 bytes.
  let requestID: [UInt8]
  /// True if the beginning of a key ID names the key, for a person who types it. The API does not
  /// allow this.
  package var takesKeyIDPrefixes = false

  /// Makes the service for the user of this process. Throws `CryptoError`.
  package init(_ host: KeyServiceHost) throws {
    try self.init(host, caller: .current(keystoreOwner: host.keystore.owner))
  }

  /// Makes the service for a request of `caller`, with a new request ID.
  package init(_ host: KeyServiceHost, caller: Caller) throws {
    self.host = host
    self.caller = caller
    requestID = try Random.bytes(16)
  }

  package var keystore: Keystore { host.keystore }

  /// Carries out a request of the API. Throws `KeyServiceError`, `KeystoreError`, `CryptoError`,
  /// `IOError`.
  @discardableResult
  package func perform<Request: HandledRequest>(
    _ request: Request
  ) throws -> Request.Response {
    try recording(begin(Request.operation)) { try request.perform(in: $0) }
  }

  /// Runs `body`, and records the result of the operation.
  func recording<Value>(
    _ call: OperationCall, _ body: (OperationCall) throws -> Value
  ) throws -> Value {
    let value: Value
    do {
      value = try body(call)
    } catch {
      try call.finish(error)
      throw error
    }
    try call.finish(nil)
    return value
  }

  /// Begins an operation. If the API does not have the operation, `name` is its name in the audit
  /// log.
  package func begin(_ operation: KeyServiceOperation, name: String? = nil) -> OperationCall {
    OperationCall(operation, of: self, name: name)
  }

  /// Begins an operation that wraps data keys of messages.
  func beginWrapping() -> OperationCall {
    OperationCall(.generateDataKey, of: self, use: .wrapping)
  }

  /// Begins an operation that unwraps data keys of messages.
  func beginUnwrapping() -> OperationCall { OperationCall(.decrypt, of: self, use: .unwrapping) }

  func unlock() throws -> UnlockedKeystore { try host.unlock() }

  /// Records what the keystore did by itself because it was due. The record stays even if the
  /// operation that found it due fails. Throws `UnrecordedError` if the keystore requires the
  /// record and the record cannot be written.
  func record(_ events: [ServiceEvent], at time: Int64) throws {
    if events.isEmpty { return }
    try host.trail()?.add(events.map { AuditRecord($0, time: time, requestID: requestID) })
  }

  /// Writes the audit records that wait to be written. See `KeyServiceHost.finishRecords`.
  package func finishRecords() -> Bool { host.finishRecords() }
}
