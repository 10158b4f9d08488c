import Envelope
import SystemPackage

/// A variable for the environment of a command. Its value is secret.
struct SecretVariable {
  let name: String
  /// "NAME=value" and a NUL, as in an environment.
  let entry: SecretText
  /// The line of the plaintext, counted from 1.
  let line: Int
  /// The file with the plaintext; empty until it is known.
  var file: FilePath = ""

  /// Makes room for a value of `capacity` bytes; `fill` writes the value and returns the number of
  /// its bytes.
  init(
    _ name: String, line: Int, capacity: Int, fill: (UnsafeMutableRawBufferPointer) -> Int
  ) {
    let prefix = Array("\(name)=".utf8)
    var count = 0
    let bytes = SecretBytes(count: prefix.count + capacity + 1) { span in
      span.withUnsafeMutableBytes { target in
        target.copyBytes(from: prefix)
        count = fill(UnsafeMutableRawBufferPointer(rebasing: target[prefix.count...].dropLast()))
      }
    }
    self.name = name
    self.line = line
    // The byte after the value is still 0.
    entry = SecretText(bytes.prefix(prefix.count + count + 1))
  }

  /// True if `name` is a name that every shell accepts: letters of ASCII, digits and `_`, with no
  /// digit at the beginning.
  static func isName(_ name: some Collection<UInt8>) -> Bool {
    guard let first = name.first, !isDigit(first) else { return false }
    return name.allSatisfy(isOfName)
  }

  static func isOfName(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_")
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// True if the variable makes programs run other code: the search path, and the variables of the
  /// dynamic loader and of shells. Whoever may write a message must not decide that.
  var isDangerous: Bool {
    name.hasPrefix("LD_") || Self.dangerousNames.contains(name)
  }

  private static let dangerousNames: Set<String> = [
    "PATH", "IFS", "PS4", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "GCONV_PATH", "GLIBC_TUNABLES",
  ]
}

/// The error for a plaintext that does not consist of variables, or has one that cannot be passed.
/// Quotes no value.
struct VariableError: Error, Equatable {
  /// Counted from 1.
  let line: Int
  let reason: String
  /// The hint, if it is not that on the rules.
  var hint: String?
}
