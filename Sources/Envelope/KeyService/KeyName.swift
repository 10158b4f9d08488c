import Foundation

/// How a person names a key: key ID, alias, or the ARN of either.
enum KeyName: Equatable {
  case keyID(String)
  case alias(String)

  static let accountID = "000000000000"
  private static let arnPrefix = "arn:aws:kms:local:\(accountID):"

  /// Throws `notFound` where the text has none of these forms: no key has such a name.
  init(parsing text: String) throws(KeyServiceError) {
    var name = Substring(text)
    if name.hasPrefix(Self.arnPrefix) {
      name = name.dropFirst(Self.arnPrefix.count)
      if name.hasPrefix("key/") { name = name.dropFirst("key/".count) }
    }
    if name.hasPrefix("alias/") {
      self = .alias(String(name))
    } else if let uuid = UUID(uuidString: String(name)) {
      self = .keyID(uuid.uuidString.lowercased())
    } else {
      throw .notFound(text)
    }
  }

  static func arn(ofKey keyID: String) -> String { "\(arnPrefix)key/\(keyID)" }
  static func arn(ofAlias name: String) -> String { "\(arnPrefix)\(name)" }

  /// Throws `invalidAliasName` unless `name` is one the KMS API takes.
  static func validate(alias name: String) throws(KeyServiceError) {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-".utf8)
    let rest = name.dropFirst("alias/".count).utf8
    guard name.hasPrefix("alias/"), (1...250).contains(rest.count),
      rest.allSatisfy(allowed.contains), !name.hasPrefix("alias/aws/")
    else { throw .invalidAliasName(name) }
  }
}
