import Glibc
import SystemPackage

/// Converts between bytes and strings. Arguments and file names are bytes, not always UTF-8, but
/// the argument parser takes strings. A byte that is not UTF-8 is carried by a private-use
/// character. So is every byte of such a character in the input, so that each name converts back to
/// the same bytes.
enum ArgumentBytes {
  /// U+10FE00 carries byte 0, and so on up to U+10FEFF for byte 255.
  private static let base: UInt32 = 0x10FE00

  /// Returns the arguments without the program's name. Swift's runtime reads the arguments from
  /// /proc. If that fails, there are no arguments at all, not even the program's name: throw,
  /// because otherwise the command would silently do nothing.
  static func processArguments() throws -> [String] {
    guard CommandLine.argc > 0 else {
      throw Failure(
        .software, "the command line cannot be read",
        hint: "check that /proc is mounted, and how many files the process may open: ulimit -n")
    }
    return (1..<Int(CommandLine.argc)).compactMap { index in
      CommandLine.unsafeArgv[index].map {
        string(
          from: UnsafeBufferPointer(start: $0, count: strlen($0)).map { UInt8(bitPattern: $0) })
      }
    }
  }

  static func string(from bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self),
      !text.unicodeScalars.contains(where: isCarrier)
    {
      return text
    }
    var text = String.UnicodeScalarView()
    var index = 0
    while index < bytes.count {
      let length = sequenceLength(bytes[index])
      let end = min(index + length, bytes.count)
      if let scalars = String(validating: bytes[index..<end], as: UTF8.self)?.unicodeScalars,
        scalars.count == 1, let scalar = scalars.first, !isCarrier(scalar)
      {
        text.append(scalar)
        index = end
      } else {
        text.append(carrier(of: bytes[index]))
        index += 1
      }
    }
    return String(text)
  }

  static func bytes(of text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if isCarrier(scalar) {
        bytes.append(UInt8(scalar.value - base))
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar)!)
      }
    }
    return bytes
  }

  /// Returns the byte that a private-use character carries; nil for any other character.
  static func carriedByte(_ scalar: Unicode.Scalar) -> UInt8? {
    isCarrier(scalar) ? UInt8(scalar.value - base) : nil
  }

  private static func isCarrier(_ scalar: Unicode.Scalar) -> Bool {
    (base...base + 255).contains(scalar.value)
  }

  private static func carrier(of byte: UInt8) -> Unicode.Scalar {
    Unicode.Scalar(base + UInt32(byte))!
  }

  private static func sequenceLength(_ first: UInt8) -> Int {
    switch first {
    case 0xC0...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF7: 4
    default: 1
    }
  }
}

extension ArgumentBytes {
  /// Returns the bytes of a string that ends in a zero.
  static func bytes(at pointer: UnsafePointer<CChar>) -> [UInt8] {
    UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map { UInt8(bitPattern: $0) }
  }
}

extension FilePath {
  /// The path that an argument names.
  init(argument: String) { self.init(bytes: ArgumentBytes.bytes(of: argument)) }

  /// The path with these bytes. None is zero.
  init(bytes: [UInt8]) {
    let characters = bytes.map { CChar(bitPattern: $0) } + [0]
    self = characters.withUnsafeBufferPointer { FilePath(platformString: $0.baseAddress!) }
  }

  /// The path as the string that the argument parser would have.
  var argument: String {
    withPlatformString { pointer in
      ArgumentBytes.string(
        from: UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map {
          UInt8(bitPattern: $0)
        })
    }
  }
}
