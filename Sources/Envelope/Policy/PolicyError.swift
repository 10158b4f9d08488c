/// Why a key policy document, or a part of one, is not accepted. The texts name the place.
public enum PolicyError: Error, Equatable, Sendable {
  /// Not a policy: the KMS API's MalformedPolicyDocumentException.
  case malformed(String)
  /// A policy that AWS would take and that could not be kept here: UnsupportedOperationException.
  case unsupported(String)
  /// Longer than a policy may be: LimitExceededException.
  case limitExceeded(String)
}
