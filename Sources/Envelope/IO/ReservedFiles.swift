/// Names that no output may have, and files that none may replace.
public protocol ReservedFiles: Sendable {
  /// Throws `FileRuleError.reserved` if an output must not go to `place`, where `existing` is now.
  func check(_ place: FilePlace, existing: FileStatus?) throws
}
