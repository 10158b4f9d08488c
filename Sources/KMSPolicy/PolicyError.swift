/// The reason why a key policy document, or a part of one, is not accepted. The texts name the
/// place.
package enum PolicyError: Error, Equatable, Sendable {
  /// The text is not a policy: the KMS API's MalformedPolicyDocumentException.
  case malformed(String)
  /// The policy is valid in AWS, but cannot be enforced here: UnsupportedOperationException.
  case unsupported(String)
  /// The policy is too long: LimitExceededException.
  case limitExceeded(String)
}
