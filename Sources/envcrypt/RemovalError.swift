import SystemPackage

/// The reason why `--rm` does not take an input, or keeps it.
enum RemovalError: Error {
  // Before anything is written.
  case standardInput
  case symbolicLink(FilePath)
  case notARegularFile(FilePath)
  /// The file has other names, and is not in a tree, where all of them may be inputs.
  case severalNames(FilePath, count: UInt64)
  /// A file of a keystore.
  case keystore(FilePath)
  /// A file that is needed to decrypt what this run encrypts.
  case key(FilePath)
  /// The file has extended attributes, which the output would not have.
  case attributes(FilePath)
  /// The output is not a regular file.
  case output(FilePath)

  // After the output is complete.
  /// The input is no longer what was read.
  case changed
  case isOpenForWriting
  /// Another file has the name of the output, or none.
  case outputReplaced(FilePath)
  /// The output is not the encrypted or decrypted input.
  case differs(output: FilePath)
  /// The output does not have all extended attributes of the input.
  case attributesLost(output: FilePath)
  /// Directories of outputs could not be brought to the disk.
  case notOnDisk
}

extension RemovalError {
  /// The input that the message names; nil if it names none.
  fileprivate var input: FilePath? {
    switch self {
    case .symbolicLink(let path), .notARegularFile(let path), .severalNames(let path, _),
      .keystore(let path), .key(let path), .attributes(let path):
      path
    default: nil
    }
  }
}

/// The error of an input that was kept although its output is complete.
struct InputKeptError: Error {
  let input: FilePath
  let reason: any Error
}

extension Failure {
  init(_ error: RemovalError) {
    switch error {
    case .standardInput:
      self.init(
        .usage, "--rm needs inputs that are files",
        hint: "leave out --rm; standard input cannot be removed")
    case .symbolicLink(let path):
      self.init(
        .usage, "\(Text.printable(path)) is a symbolic link, and --rm does not remove links",
        hint: "name the file itself, or leave out --rm")
    case .notARegularFile(let path):
      self.init(
        .usage, "\(Text.printable(path)) is not a regular file, and --rm removes no others",
        hint: "leave out --rm")
    case .severalNames(let path, let count):
      self.init(
        .usage,
        "\(Text.printable(path)) is one of \(count) names of a file (hard links), and --rm would "
          + "leave the others",
        hint: "name a tree that has all of them, with --recursive, or leave out --rm")
    case .keystore(let path):
      self.init(
        .usage, "\(Text.printable(path)) belongs to a keystore, and --rm does not remove it",
        hint: "leave it out with --exclude; to make a backup, use 'envcrypt keystore backup'")
    case .key(let path):
      self.init(
        .usage,
        "\(Text.printable(path)) is needed to decrypt its own message, and --rm does not remove it",
        hint: "leave it out with --exclude, or run envcrypt without --rm")
    case .attributes(let path):
      self.init(
        .usage,
        "\(Text.printable(path)) has extended attributes or ACLs, which its output would not have",
        hint: "--xattrs keeps them")
    case .output(let path):
      let name = path == "-" ? "standard output" : Text.printable(path)
      self.init(
        .usage, "--rm needs outputs that are files, and \(name) is not a regular file",
        hint: "name the output with -o FILE, or leave out --rm")
    case .changed:
      self.init(
        .inputChanged, "it changed after it was read",
        hint: "run the command again, with --force to replace the output")
    case .isOpenForWriting:
      self.init(
        .inputChanged, "another program has it open for writing",
        hint: "end that program, and run the command again with --update")
    case .outputReplaced(let path):
      self.init(
        .ioError, "\(Text.printable(path)) is not the file that was written",
        hint: "find out which program changes it, and run the command again with --force")
    case .differs(let path):
      self.init(
        .dataError, "\(Text.printable(path)) has other contents",
        hint: "--force without --update replaces it")
    case .attributesLost(let path):
      self.init(
        .ioError, "\(Text.printable(path)) does not have all of its extended attributes and ACLs",
        hint: "--force without --update makes the output again; ACLs are kept with --recursive")
    case .notOnDisk:
      self.init(.ioError, "the directories of the outputs may not be on the disk")
    }
    file = error.input
  }

  init(_ error: InputKeptError) {
    self.init(error.reason)
    message = "\(Text.printable(error.input)) was not removed: \(message)"
    file = error.input
  }
}
