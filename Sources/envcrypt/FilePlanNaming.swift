import SystemPackage

extension FilePlan {
  /// The rule that makes the name of an output from the name of its input.
  enum Naming {
    /// Appends the suffix.
    case encrypt
    /// Removes the suffix.
    case decrypt
    /// The output replaces the input.
    case replace
    /// There is no output.
    case none

    /// The name of the work, for messages.
    var verb: String {
      switch self {
      case .encrypt: "encrypt"
      case .decrypt: "decrypt"
      case .replace: "reencrypt"
      case .none: "verify"
      }
    }

    /// Returns the path of the output; nil if the input's name gives none.
    func output(for input: FilePath, _ suffix: NameSuffix) -> FilePath? {
      switch self {
      case .encrypt: suffix.appended(to: input)
      case .decrypt: suffix.removed(from: input)
      case .replace: input
      case .none: nil
      }
    }
  }
}
