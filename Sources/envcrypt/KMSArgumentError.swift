/// What is wrong with the arguments of `envcrypt kms`. Options are named without their dashes.
enum KMSArgumentError: Error, Equatable {
  case unexpectedArgument(String)
  case unknownOption(String, nearest: String?)
  case missingOptions([String])
  case missingValue(String)
  case takesNoValue(String, found: String)
  /// A flag together with its `--no-` form.
  case contradiction(String)
  /// An option of the AWS CLI that there is no use for here.
  case refused(String, hint: String)
  /// A value that cannot be read; the text says why.
  case malformed(String, String)
  /// A value that is not base64, where it has to be.
  case notBase64(String)
  /// A key of a hash or of JSON that the shape does not have.
  case unknownMember(String, option: String, known: [String])
}
