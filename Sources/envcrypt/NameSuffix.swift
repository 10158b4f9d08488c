import SystemPackage

/// The end of the names of messages: `.envc`, or what `--suffix` says.
struct NameSuffix: CustomStringConvertible {
  static let standard = NameSuffix(of: ".envc")

  let argument: String
  let bytes: [UInt8]

  private init(of argument: String) {
    self.argument = argument
    bytes = ArgumentBytes.bytes(of: argument)
  }

  /// The suffix for messages to the user.
  var description: String { Text.printable(argument) }

  /// Nil if the argument cannot be a suffix: it has to begin with a dot and must not be only that,
  /// and a slash would lead to another directory.
  init?(argument: String) {
    guard argument.utf8.count > 1, argument.utf8.first == UInt8(ascii: "."),
      !argument.utf8.contains(UInt8(ascii: "/"))
    else { return nil }
    self.init(of: argument)
  }

  func appended(to path: FilePath) -> FilePath {
    FilePath(bytes: path.withPlatformString { ArgumentBytes.bytes(at: $0) } + bytes)
  }

  /// True if the path ends in the suffix and the rest is a file name.
  func ends(_ path: FilePath) -> Bool { removed(from: path) != nil }

  /// Returns the path without the suffix, compared byte by byte; nil if the path does not end in
  /// it, or if the rest is not a file name.
  func removed(from path: FilePath) -> FilePath? {
    var bytes = path.withPlatformString { ArgumentBytes.bytes(at: $0) }
    guard bytes.suffix(self.bytes.count).elementsEqual(self.bytes) else { return nil }
    bytes.removeLast(self.bytes.count)
    let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
    let name = bytes[(slash.map { $0 + 1 } ?? 0)...]
    guard !["", ".", ".."].contains(where: { name.elementsEqual($0.utf8) }) else { return nil }
    return FilePath(bytes: bytes)
  }
}
