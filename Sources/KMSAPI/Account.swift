/// The AWS account that a keystore represents.
package enum Account {
  package static let id = "000000000000"
  /// The ARN of the account itself.
  package static let arn = "arn:aws:iam::\(id):root"
}
