/// The names that no output may have, and the files that no output may replace.
package protocol ReservedFiles: Sendable {
  /// Throws `FileRuleError.reserved` if an output must not go to `place`. `existing` is the status
  /// of the file there now.
  func check(_ place: FilePlace, existing: FileStatus?) throws
}
