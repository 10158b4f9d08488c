import Envelope
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

  /// Returns the name of the output. Throws if the name of the input gives none.
  func name(for input: FilePath) throws -> FilePath {
    if let name = naming.output(for: input, suffix) { return name }
    guard let status = try FileStatus.at(input) else {
      throw IOError(.openInput, input, .noSuchFileOrDirectory)
    }
    if status.kind == .directory { throw FileRuleError.isDirectory(input) }
    throw Failure(
      .usage, "the name does not end in \(suffix), so the output has no name",
      hint: isSingle
        ? "name the output with -o FILE, or -o - for standard output"
        : "decrypt it alone, and name its output with -o FILE")
  }

  /// Returns the name of an output beside its input. Throws if the input is a device: nothing is
  /// made in /dev.
  func nameBeside(_ input: FilePath) throws -> FilePath {
    let name = try name(for: input)
    guard naming != .replace, try FileStatus.at(input)?.isDevice == true else { return name }
    throw Failure(
      .usage, "\(Text.printable(input)) is a device, and its output is not put beside it",
      hint: "name the output with -o FILE, or -o - for standard output")
  }

  /// True if several inputs are descriptors, whose names give no output.
  static func nameSeveralDescriptors(_ paths: [NamedInput]) -> Bool {
    paths.count > 1 && paths.lazy.filter(\.path.namesDescriptor).prefix(2).count > 1
  }
}
