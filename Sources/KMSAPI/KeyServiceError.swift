import Envelope

/// An error of the KMS API.
package enum KeyServiceError: Error, Equatable, Sendable {
  /// A key, an alias or another thing of this name does not exist.
  case notFound(String)
  /// A key of this name does not exist. There is an alias of a similar name.
  case misnamed(String, alias: String)
  /// The key ID or the alias is taken.
  case alreadyExists(String)
  /// The key ID is taken by a key that is past its deletion date and not destroyed yet.
  case notYetDestroyed(keyID: String)
  /// The key is disabled.
  case disabled(keyID: String)
  /// The state of the key forbids the operation.
  case invalidState(keyID: String, state: KeyState)
  /// The key has no imported material to rotate to.
  case nothingToRotateTo(keyID: String)
  case invalidAliasName(String)
  /// The text begins like an ARN but is not the ARN of a key or an alias, or it is not the ARN of a
  /// principal.
  case invalidARN(String)
  /// The marker is not from an earlier page.
  case invalidMarker(String)
  /// A parameter has a value that is not allowed. The text names the parameter.
  case validation(String)
  /// This key, or this keystore, cannot do the operation. The text says why.
  case unsupportedOperation(String)
  /// The key has another usage. The text says which one.
  case invalidKeyUsage(String)
  /// A key, or a set of tags, would have more of something than is allowed. The text says of what,
  /// and how many are allowed.
  case limitExceeded(String)
  /// The tags are not allowed. The text says why.
  case tag(String)
  /// The ciphertext was altered, or belongs to another key or to another encryption context.
  case invalidCiphertext
  /// The ciphertext is not encrypted under the key that the request names.
  case incorrectKey(named: String)
  /// The signature does not verify.
  case invalidSignature
  /// The MAC does not verify.
  case invalidMAC
  /// The imported material is not the material that the key had.
  case incorrectKeyMaterial(String)
  case invalidImportToken
  case expiredImportToken
  case invalidGrantToken
  /// The text is not the ID of a grant.
  case invalidGrantID(String)
  /// The caller may not do this. The text says what he may not do, and why.
  case accessDenied(String)
  /// It is not known who the caller is. The text says what he may not do, and why.
  case unknownCaller(String)
  /// The key's policy does not let the caller do this. The text says what he may not do, and why.
  case deniedByPolicy(String)
  /// The document is not a key policy, or it would lock the caller out. The text says where the
  /// mistake is, or why the policy is refused.
  case malformedPolicyDocument(String)
  /// The request has DryRun set, and would have succeeded without it.
  case dryRun

  /// The KMS API's name for the error.
  package var name: String {
    switch self {
    case .notFound, .misnamed: "NotFoundException"
    case .alreadyExists, .notYetDestroyed: "AlreadyExistsException"
    case .disabled: "DisabledException"
    case .invalidState, .nothingToRotateTo: "KMSInvalidStateException"
    case .invalidAliasName: "InvalidAliasNameException"
    case .invalidARN: "InvalidArnException"
    case .invalidMarker: "InvalidMarkerException"
    case .validation: "ValidationException"
    case .unsupportedOperation: "UnsupportedOperationException"
    case .invalidKeyUsage: "InvalidKeyUsageException"
    case .limitExceeded: "LimitExceededException"
    case .tag: "TagException"
    case .invalidCiphertext: "InvalidCiphertextException"
    case .incorrectKey: "IncorrectKeyException"
    case .invalidSignature: "KMSInvalidSignatureException"
    case .invalidMAC: "KMSInvalidMacException"
    case .incorrectKeyMaterial: "IncorrectKeyMaterialException"
    case .invalidImportToken: "InvalidImportTokenException"
    case .expiredImportToken: "ExpiredImportTokenException"
    case .invalidGrantToken: "InvalidGrantTokenException"
    case .invalidGrantID: "InvalidGrantIdException"
    case .accessDenied, .unknownCaller, .deniedByPolicy: "AccessDeniedException"
    case .malformedPolicyDocument: "MalformedPolicyDocumentException"
    case .dryRun: "DryRunOperationException"
    }
  }
}

extension KeyServiceError {
  /// Throws `validation` if the text has a NUL character. The keystore cannot hold such a text.
  package static func requireNoNUL(_ text: String, in what: String) throws(KeyServiceError) {
    guard !text.utf8.contains(0) else { throw .validation("\(what) cannot have a NUL character") }
  }
}

/// An error that the audit log records by its name in an API.
package protocol RecordedError: Error {
  var name: String { get }
  /// The text that the audit log records with the name.
  var detail: String { get }
}

extension KeyServiceError: RecordedError {
  package var detail: String {
    switch self {
    case .notFound(let text), .misnamed(let text, _), .alreadyExists(let text),
      .invalidAliasName(let text),
      .invalidARN(let text), .invalidMarker(let text), .validation(let text),
      .unsupportedOperation(let text), .invalidKeyUsage(let text), .limitExceeded(let text),
      .tag(let text), .incorrectKeyMaterial(let text), .accessDenied(let text),
      .unknownCaller(let text), .deniedByPolicy(let text),
      .malformedPolicyDocument(let text), .invalidGrantID(let text):
      String(text.prefix(512))
    case .invalidState(_, let state): state.rawValue
    case .incorrectKey(let name): String(name.prefix(512))
    case .notYetDestroyed, .disabled, .nothingToRotateTo, .invalidCiphertext, .invalidSignature,
      .invalidMAC, .invalidImportToken, .expiredImportToken, .invalidGrantToken, .dryRun:
      ""
    }
  }
}

extension KeyServiceError: KeyObstacle {
  package var isMissingKey: Bool {
    switch self {
    case .notFound, .misnamed: true
    default: false
    }
  }
}
