import Envelope
import SystemPackage

extension Failure {
  init(_ error: IOError) {
    let name = error.path == "-" ? "" : " \(Text.printable(error.path))"
    let reason = "\(error.errno)".lowercasedFirst
    switch error.operation {
    case .openInput: self.init(.noInput, "cannot open\(name): \(reason)")
    case .readDirectory: self.init(.noInput, "cannot read directory\(name): \(reason)")
    case .remove:
      let isRefused = [.permissionDenied, .notPermitted, .readOnlyFileSystem].contains(error.errno)
      self.init(isRefused ? .noPermission : .ioError, "cannot remove\(name): \(reason)")
    case .read:
      self.init(.ioError, "cannot read\(name.isEmpty ? " standard input" : name): \(reason)")
    case .createOutput:
      self.init(.cannotCreate, "cannot create\(name): \(reason)")
      if error.errno == .fileNameTooLong {
        hint = "rename the input, name another output with -o FILE, or take a shorter --suffix"
      }
      if error.errno == .noSpace {
        hint = "free some space, or remove some files: 'df -i' shows if there are too many"
      }
    case .write:
      self.init(.ioError, "cannot write\(name.isEmpty ? " standard output" : name): \(reason)")
      isBrokenPipe = error.errno == .brokenPipe
      if error.errno == .noSpace { hint = "free some space, and run the command again" }
    }
    file = error.path
  }

  /// The failure of an input of a run over files, which can take directories.
  init(_ error: any Error, of input: FilePath) {
    self.init(error)
    if case .isDirectory(input)? = error as? FileRuleError, input != "-" {
      hint = "add --recursive to take the files below it"
    }
  }

  init(_ error: FileRuleError) {
    switch error {
    case .exists(let path):
      self.init(
        .cannotCreate, "\(Text.printable(path)) exists already",
        hint: "add --force to replace it, or name another output with -o")
    case .sameFile(let path):
      self.init(
        .usage, "input and output are the same file: \(Text.printable(path))",
        hint: "name another output with -o")
    case .notARegularFile(let path):
      self.init(
        .usage,
        "\(Text.printable(path)) is not a regular file, and cannot be replaced",
        hint: "read and write it in a pipe")
    case .changed(let path):
      self.init(
        .cannotCreate, "\(Text.printable(path)) was changed by another process meanwhile",
        hint: "nothing was replaced; run the command again")
    case .isDirectory(let path):
      self.init(
        .noInput,
        path == "-" ? "standard input is a directory" : "\(Text.printable(path)) is a directory")
    case .outputIsDirectory(let path):
      self.init(
        .cannotCreate, "\(Text.printable(path)) is a directory",
        hint: "name another output with -o, or move the directory away")
    case .noDirectory(let path):
      self.init(
        .cannotCreate, "there is no directory \(Text.printable(path))",
        hint: "mkdir -p -- \(Text.shellQuoted(path))")
    case .foreignLink(let path):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) is a symbolic link of another user, which is not followed",
        hint: "remove the link, or name the file itself with -o")
    case .foreignPipe(let path):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) is a pipe of another user, who could read what is written to it",
        hint: "to write there anyway: -o - > \(Text.shellQuoted(path))")
    case .reserved(let path):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) belongs to a keystore, and cannot be an output, even with --force",
        hint: "name another output with -o")
    case .unfinishedName(let path):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) is a name for unfinished files, which envcrypt removes",
        hint: "name another output with -o")
    case .symbolicLink(let path):
      self.init(
        .cannotCreate,
        "\(Text.printable(path)) is a symbolic link in an output directory, which is not followed",
        hint: "remove the link, or name another output with -o")
    case .openToOthers(let path, let permissions):
      let name = path == "-" ? "the file on standard input" : Text.printable(path)
      self.init(
        .noPermission,
        "other users may read or change \(name) (mode 0\(String(permissions, radix: 8))), "
          + "and it contains a secret",
        hint: path == "-" || path.starts(with: "/dev")
          ? "chmod 600 on that file" : "chmod 600 -- \(Text.shellQuoted(path))")
    case .notADirectory(let path):
      self.init(.cannotCreate, "\(Text.printable(path)) is not a directory")
    }
    file = error.path
  }
}

extension FileRuleError {
  fileprivate var path: FilePath {
    switch self {
    case .exists(let path), .sameFile(let path), .notARegularFile(let path), .changed(let path),
      .isDirectory(let path), .outputIsDirectory(let path), .noDirectory(let path),
      .foreignLink(let path),
      .foreignPipe(let path), .reserved(let path), .unfinishedName(let path),
      .symbolicLink(let path), .openToOthers(let path, _), .notADirectory(let path):
      path
    }
  }
}

extension String {
  var lowercasedFirst: String {
    guard let first, !dropFirst().prefix(1).allSatisfy(\.isUppercase) else { return self }
    return first.lowercased() + dropFirst()
  }
}
