import KMSPolicy
import SystemPackage

/// A key policy document in a file.
enum PolicyFile {
  static func read(_ name: String) throws -> KeyPolicy {
    let path = FilePath(argument: name)
    let bytes = try SmallFile.read(path, limit: 1 << 20, as: "key policy")
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(Text.printable(path)) is not UTF-8")
    }
    do throws(PolicyError) {
      return try KeyPolicy(parsing: text)
    } catch {
      throw Failure(error).about(Text.printable(path))
    }
  }

  /// Warns of parts of a policy that are valid but probably a mistake.
  static func warn(of policy: KeyPolicy, on console: Console) {
    for warning in policy.warnings() { console.warning(Text.printable(warning.text)) }
  }
}

extension Failure {
  init(_ error: PolicyError) {
    let reason =
      switch error {
      case .malformed(let reason), .unsupported(let reason), .limitExceeded(let reason): reason
      }
    self.init(.usage, Text.printable(reason))
  }
}

extension PolicyWarning {
  var text: String {
    switch self {
    case .unknownAction(let pattern, let statement, let nearest):
      "\(statement): '\(pattern)' matches no action"
        + (nearest.map { "; did you mean \($0)?" } ?? "")
    case .matchesNobody(let principal, let statement):
      "\(statement): '\(principal)' matches nobody: a keystore knows only its own users"
    case .needsSetOperator(let comparison, let key, let statement):
      "\(statement): \(key) can have several values; use ForAnyValue:\(comparison) or "
        + "ForAllValues:\(comparison)"
    case .needlessSetOperator(let comparison, let key, let statement):
      "\(statement): \(key) has one value, and \(comparison) also matches if it has none"
    }
  }
}
