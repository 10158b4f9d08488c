/// The KMS API's errors, under its names.
public enum KeyServiceError: Error, Equatable, Sendable {
  /// No key or alias of that name.
  case notFound(String)
  /// A key ID or alias that is taken.
  case alreadyExists(String)
  /// A key that is disabled.
  case disabled(keyID: String)
  /// A key whose state forbids the operation.
  case invalidState(keyID: String, state: KeyState)
  case invalidAliasName(String)
  /// A parameter out of its range; the text names it.
  case validation(String)
  /// What this key cannot do; the text says why.
  case unsupportedOperation(String)

  /// The name that the KMS API gives the error.
  public var name: String {
    switch self {
    case .notFound: "NotFoundException"
    case .alreadyExists: "AlreadyExistsException"
    case .disabled: "DisabledException"
    case .invalidState: "KMSInvalidStateException"
    case .invalidAliasName: "InvalidAliasNameException"
    case .validation: "ValidationException"
    case .unsupportedOperation: "UnsupportedOperationException"
    }
  }
}
