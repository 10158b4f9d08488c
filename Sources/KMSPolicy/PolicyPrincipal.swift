import KMSAPI

/// The caller of a request: a user of the account that the keystore represents.
package struct PolicyPrincipal: Equatable, Sendable {
  /// The value of aws:PrincipalType for every caller.
  static let type = "User"
  private static let userPrefix = "arn:aws:iam::\(Account.id):user/"

  /// "arn:aws:iam::000000000000:user/NAME".
  package let arn: String
  /// True if this is the keystore's owner. A policy names the owner by the account: by
  /// "arn:aws:iam::000000000000:root" or by the account's ID.
  package let isOwner: Bool

  package init(userName: String, isOwner: Bool) {
    arn = Self.userPrefix + userName
    self.isOwner = isOwner
  }

  /// Throws `malformed` unless `arn` is that of a user of this account.
  package init(arn: String, isOwner: Bool) throws(PolicyError) {
    guard arn.hasPrefix(Self.userPrefix), arn.utf8.count > Self.userPrefix.utf8.count,
      !arn.hasSuffix("/")
    else { throw .malformed("'\(arn)' is not \(Self.userPrefix)NAME") }
    self.arn = arn
    self.isOwner = isOwner
  }

  /// True if `arn` is that of this principal, byte by byte. Names that only look alike are
  /// different.
  package func isNamed(_ arn: String?) -> Bool {
    arn.map { $0.utf8.elementsEqual(self.arn.utf8) } ?? false
  }

  package static func == (left: PolicyPrincipal, right: PolicyPrincipal) -> Bool {
    left.isNamed(right.arn) && left.isOwner == right.isOwner
  }

  /// The user name without its path.
  var userName: String {
    let path = arn.dropFirst(Self.userPrefix.count)
    return String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
  }
}

/// A principal in a statement.
enum StatementPrincipal: Equatable, Sendable {
  case everyone
  /// The account, which means the keystore's owner.
  case account
  /// A user, by ARN.
  case user(String)
  /// A principal that exists in AWS, but never in a keystore: a role, a service, another account.
  case nobody(String)

  func matches(_ principal: PolicyPrincipal) -> Bool {
    switch self {
    case .everyone: true
    case .account: principal.isOwner
    case .user(let arn): principal.isNamed(arn)
    case .nobody: false
    }
  }

  /// Parses a value of "AWS". Throws `malformed`; the text says what is wrong.
  init(aws text: String) throws(PolicyError) {
    if text == "*" {
      self = .everyone
      return
    }
    guard !text.contains("*"), !text.contains("?") else {
      throw .malformed("'\(text)' has a wildcard: a principal is \"*\" or one whole name")
    }
    if Self.isAccount(text) {
      self = text == Account.id ? .account : .nobody(text)
      return
    }
    let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard fields.count == 6, fields[0] == "arn", fields[1] == "aws" || fields[1].hasPrefix("aws-"),
      fields[3].isEmpty, Self.isAccount(fields[4])
    else {
      throw .malformed("'\(text)' is not \"*\", an account's ID or the ARN of a principal")
    }
    let isOurs = fields[1] == "aws" && fields[4] == Account.id
    let name = fields[5].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    switch (fields[2], name[0], name.count == 2 && !name[1].isEmpty && !name[1].hasSuffix("/")) {
    case ("iam", "root", _) where name.count == 1: self = isOurs ? .account : .nobody(text)
    case ("iam", "user", true): self = isOurs ? .user(text) : .nobody(text)
    case ("iam", "role", true), ("sts", "assumed-role", true), ("sts", "federated-user", true):
      self = .nobody(text)
    default: throw .malformed("'\(text)' is not the ARN of an account, a user or a role")
    }
  }

  private static func isAccount(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 12
      && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
