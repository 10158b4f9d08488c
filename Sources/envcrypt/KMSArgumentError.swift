/// An error in the arguments of `envcrypt kms`. Options are named without their dashes.
enum KMSArgumentError: Error, Equatable {
  case unexpectedArgument(String)
  case unknownOption(String, nearest: String?)
  case missingOptions([String])
  case missingValue(String)
  case takesNoValue(String, found: String)
  /// A flag was given together with its `--no-` form.
  case contradiction(String)
  /// An option of the AWS CLI that is not supported here.
  case refused(String, hint: String)
  /// A value that cannot be read; the text gives the reason.
  case malformed(String, String)
  /// A value that must be base64 and is not.
  case notBase64(String)
  /// A key of a shorthand hash or of a JSON object that the shape does not have.
  case unknownMember(String, option: String, known: [String])
}
