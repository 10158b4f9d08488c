import Foundation

/// The name of a key as a person gives it: a key ID, an alias, or the ARN of either.
package enum KeyName: Equatable {
  case keyID(String)
  case alias(String)

  private static let arnPrefix = "arn:aws:kms:local:\(Account.id):"

  /// Parses a name. Throws `notFound` if the text has none of these forms, or if it is an ARN of
  /// another account or region, because no key has such a name. Throws `invalidARN` if the text
  /// only begins like an ARN.
  package init(parsing text: String) throws(KeyServiceError) {
    // A lookup would ignore everything after the NUL.
    guard !text.utf8.contains(0) else { throw .notFound(text) }
    var name = Substring(text)
    if name.hasPrefix("arn:") {
      let fields = name.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
      guard fields.count == 6, fields[2] == "kms", fields[4].count == 12,
        fields[4].allSatisfy(\.isNumber), !fields[1].isEmpty, !fields[3].isEmpty,
        fields[5].hasPrefix("key/") || fields[5].hasPrefix("alias/")
      else { throw .invalidARN(text) }
      guard name.hasPrefix(Self.arnPrefix) else { throw .notFound(text) }
      name = fields[5]
      if name.hasPrefix("key/") {
        name = name.dropFirst("key/".count)
        guard UUID(uuidString: String(name)) != nil else { throw .invalidARN(text) }
      }
    }
    if name.hasPrefix("alias/") {
      self = .alias(String(name))
    } else if let uuid = UUID(uuidString: String(name)) {
      self = .keyID(uuid.uuidString.lowercased())
    } else {
      throw .notFound(text)
    }
  }

  package static func arn(ofKey keyID: String) -> String { "\(arnPrefix)key/\(keyID)" }
  static func arn(ofAlias name: String) -> String { "\(arnPrefix)\(name)" }

  /// Throws `invalidAliasName` unless the KMS API accepts `name` as the name of an alias.
  package static func validate(alias name: String) throws(KeyServiceError) {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-".utf8)
    let rest = name.dropFirst("alias/".count).utf8
    guard name.hasPrefix("alias/"), (1...250).contains(rest.count),
      rest.allSatisfy(allowed.contains), !name.hasPrefix("alias/aws/")
    else { throw .invalidAliasName(name) }
  }
}
