import Foundation

/// Keys of JSON objects on their way through Foundation's coders, which keep objects in dictionaries
/// of strings: there "é" is one key however it is composed. Keys of an encryption context are bytes.
/// So each of their bytes that is not ASCII travels as a private-use character of its own.
public enum JSONKeys {
  /// U+10F780 stands for byte 0x80, up to U+10F7FF for 0xFF.
  private static let base: UInt32 = 0x10F700
  /// Which the UTF-8 of these begins with.
  private static let firstByte: UInt8 = 0xF4

  static func carrier(of key: String) -> String {
    var carrier = String.UnicodeScalarView()
    for byte in key.utf8 {
      carrier.append(byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(base + UInt32(byte))!)
    }
    return String(carrier)
  }

  /// The key that travelled as `carrier`.
  public static func key(of carrier: String) -> String {
    String(
      decoding: carrier.unicodeScalars.flatMap { scalar -> [UInt8] in
        (base + 0x80...base + 0xFF).contains(scalar.value)
          ? [UInt8(scalar.value - base)] : Array(UTF8.encode(scalar)!)
      }, as: UTF8.self)
  }

  /// The JSON `text` with carriers for keys. What is not JSON stays for a decoder to complain about.
  public static func carried(in text: String) -> Data {
    Data(
      replacing(in: Array(text.utf8)) { quoted in
        guard quoted.contains(where: { $0 >= 0x80 || $0 == UInt8(ascii: "\\") }),
          let key = try? JSONDecoder().decode(String.self, from: Data(quoted))
        else { return nil }
        return quote(carrier(of: key))
      })
  }

  /// The JSON `text` with the keys that the carriers in it stand for.
  static func restored(in text: [UInt8]) -> [UInt8] {
    replacing(in: text) { quoted in
      guard quoted.contains(firstByte) else { return nil }
      return Array(key(of: String(decoding: quoted, as: UTF8.self)).utf8)
    }
  }

  /// Offers each string that a colon follows to `body`, quotes and all.
  private static func replacing(
    in text: [UInt8], _ body: (ArraySlice<UInt8>) -> [UInt8]?
  ) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      guard text[index] == UInt8(ascii: "\"") else {
        output.append(text[index])
        index += 1
        continue
      }
      var end = index + 1
      while end < text.count, text[end] != UInt8(ascii: "\"") {
        end += text[end] == UInt8(ascii: "\\") ? 2 : 1
      }
      end = min(end + 1, text.count)
      var next = end
      while next < text.count, text[next] == 0x20 || (0x09...0x0D).contains(text[next]) {
        next += 1
      }
      let quoted = text[index..<end]
      let isKey = next < text.count && text[next] == UInt8(ascii: ":")
      output += (isKey ? body(quoted) : nil) ?? Array(quoted)
      index = end
    }
    return output
  }

  private static func quote(_ text: String) -> [UInt8] {
    var quoted = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): quoted += [UInt8(ascii: "\\"), byte]
      case ..<0x20: quoted += Array("\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8)
      default: quoted.append(byte)
      }
    }
    return quoted + [UInt8(ascii: "\"")]
  }
}
