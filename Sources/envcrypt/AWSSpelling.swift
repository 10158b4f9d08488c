/// The AWS CLI's name for an option or an argument of our commands.
struct AWSSpelling {
  /// The AWS CLI's option.
  let option: String
  /// Our names for the same: of an option, without its dashes, or of the value of an argument.
  let names: [String]
  /// True if the AWS CLI takes all arguments up to the next option as values.
  let isList: Bool

  private init(_ option: String, _ names: String..., isList: Bool = false) {
    self.option = option
    self.names = names
    self.isList = isList
  }

  static let all = [
    AWSSpelling("--action-names", "action", isList: true),
    AWSSpelling("--alias-name", "alias"),
    AWSSpelling("--encryption-context", "context"),
    AWSSpelling("--grant-id", "grant-id"),
    AWSSpelling("--grantee-principal", "grantee"),
    AWSSpelling("--key-id", "key"),
    AWSSpelling("--key-spec", "spec"),
    AWSSpelling("--key-usage", "usage"),
    AWSSpelling("--number-of-bytes", "bytes"),
    AWSSpelling("--pending-window-in-days", "days"),
    AWSSpelling("--retiring-principal", "retiring"),
    AWSSpelling("--rotation-period-in-days", "days"),
    AWSSpelling("--tag-keys", "tag-key", isList: true),
    AWSSpelling("--tags", "tag", "key=value", isList: true),
    AWSSpelling("--target-key-id", "key"),
  ]
}
