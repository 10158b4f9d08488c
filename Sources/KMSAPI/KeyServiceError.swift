import Envelope

/// The KMS API's errors, under its names.
package enum KeyServiceError: Error, Equatable, Sendable {
  /// No key or alias of that name.
  case notFound(String)
  /// A key ID or alias that is taken.
  case alreadyExists(String)
  /// A key ID that is taken by a key which is past its deletion date and not destroyed yet.
  case notYetDestroyed(keyID: String)
  /// A key that is disabled.
  case disabled(keyID: String)
  /// A key whose state forbids the operation.
  case invalidState(keyID: String, state: KeyState)
  /// A key that has no imported material to rotate to.
  case nothingToRotateTo(keyID: String)
  case invalidAliasName(String)
  /// Text that begins as an ARN and is none of a key or an alias.
  case invalidARN(String)
  /// A marker that no page gave.
  case invalidMarker(String)
  /// A parameter out of its range; the text names it.
  case validation(String)
  /// What this key, or this keystore, cannot do; the text says why.
  case unsupportedOperation(String)
  /// A key that is for something else; the text says for what.
  case invalidKeyUsage(String)
  /// More than a key, or a tag set, may have; the text says of what, and how many.
  case limitExceeded(String)
  /// Tags that cannot be; the text says why.
  case tag(String)
  /// What was to be decrypted is altered, of another key, or under another encryption context.
  case invalidCiphertext
  /// What was to be decrypted is under another key than the one named.
  case incorrectKey(named: String)
  /// A signature that does not verify.
  case invalidSignature
  /// A MAC that does not verify.
  case invalidMAC
  /// Imported material that is not what the key had.
  case incorrectKeyMaterial(String)
  case invalidImportToken
  case expiredImportToken
  case invalidGrantToken
  /// What is no grant's ID.
  case invalidGrantID(String)
  /// The caller may not do this; the text says what and why.
  case accessDenied(String)
  /// The caller cannot be known; the text says what he may not do, and why.
  case unknownCaller(String)
  /// The key's policy does not let the caller do this; the text says what and why.
  case deniedByPolicy(String)
  /// A key policy that is none, or that would lock the caller out; the text says where and why.
  case malformedPolicyDocument(String)
  /// DryRun: the request would have succeeded.
  case dryRun

  /// The name that the KMS API gives the error.
  package var name: String {
    switch self {
    case .notFound: "NotFoundException"
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
  /// Throws `validation` for a text that the keystore cannot hold.
  package static func requireNoNUL(_ text: String, in what: String) throws(KeyServiceError) {
    guard !text.utf8.contains(0) else { throw .validation("\(what) cannot have a NUL character") }
  }
}

/// An error that the audit log has under a name of its API.
package protocol RecordedError: Error {
  var name: String { get }
  /// What the audit log says beside the name.
  var detail: String { get }
}

extension KeyServiceError: RecordedError {
  package var detail: String {
    switch self {
    case .notFound(let text), .alreadyExists(let text), .invalidAliasName(let text),
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
    if case .notFound = self { true } else { false }
  }
}
