/// Whom a statement is about.
enum PolicyPrincipal: Equatable, Sendable {
  /// `"*"`, or `{"AWS": "*"}`.
  case anyone
  /// The account, that is the keystore's owner: `arn:aws:iam::000000000000:root`, or the account's
  /// number.
  case account
  /// One user's ARN.
  case user(String)
  /// Somebody whom a keystore never meets: another account, a role, a service.
  case stranger(String)

  static let accountID = "000000000000"

  /// Throws the reason why `text` names nobody.
  init(aws text: String) throws(PolicyError) {
    if text == "*" {
      self = .anyone
    } else if text.count == 12, text.allSatisfy(\.isNumber) {
      self = text == Self.accountID ? .account : .stranger(text)
    } else {
      let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
      guard fields.count == 6, fields[0] == "arn", ["iam", "sts"].contains(fields[2]),
        fields[4].count == 12, fields[4].allSatisfy(\.isNumber), !fields[5].isEmpty
      else { throw .malformed("'\(text)' is no principal") }
      guard !text.contains("*"), !text.contains("?") else {
        throw .malformed("principal '\(text)': a wildcard can only stand for everybody")
      }
      if fields[4] != Self.accountID {
        self = .stranger(text)
      } else if fields[5] == "root" {
        self = .account
      } else {
        self = fields[5].hasPrefix("user/") ? .user(text) : .stranger(text)
      }
    }
  }

  func matches(_ caller: PolicyCaller) -> Bool {
    switch self {
    case .anyone: true
    case .account: caller.isAccount
    case .user(let arn): arn == caller.arn
    case .stranger: false
    }
  }
}

/// Who asks.
struct PolicyCaller: Equatable, Sendable {
  let arn: String
  let userName: String
  /// Whether this is the account itself: the keystore's owner.
  let isAccount: Bool
}
