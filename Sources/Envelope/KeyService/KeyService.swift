import Foundation
import GRDB

/// The KMS operations over a keystore. Used by one thread at a time.
public final class KeyService {
  public let keystore: Keystore
  private let secrets: any UnlockingSecrets
  private let now: () -> Date

  public init(
    _ keystore: Keystore, secrets: any UnlockingSecrets, now: @escaping () -> Date = { Date() }
  ) {
    self.keystore = keystore
    self.secrets = secrets
    self.now = now
  }

  /// Does what a request of the API asks for. Throws `KeyServiceError`, `KeystoreError`,
  /// `CryptoError`, `IOError`.
  @discardableResult
  public func perform<Request: KeyServiceRequest>(
    _ request: Request
  ) throws -> Request.Response {
    let call = begin(Request.operation)
    let response = try request.perform(in: call)
    call.finish()
    return response
  }

  /// An operation under way, now.
  func begin(_ operation: KeyServiceOperation) -> OperationCall {
    OperationCall(operation, of: self, now: now())
  }

  /// A file's data key about to be wrapped, now.
  func beginWrapping() -> OperationCall {
    OperationCall(.generateDataKey, of: self, now: now(), isWrapping: true)
  }

  func unlock() throws -> UnlockedKeystore { try keystore.unlock(with: secrets) }

  /// Asks for the passphrase again, where there is one.
  func reauthenticate() throws { try keystore.reauthenticate(with: secrets) }
}
