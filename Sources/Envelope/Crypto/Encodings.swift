import COpenSSL

/// Lower-case hexadecimal.
package enum Hexadecimal {
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Base64 (RFC 4648, section 4) with libcrypto. Decoding is strict: no white space, no missing
/// padding, no bits left over.
package enum Base64 {
  package static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let length = EVP_EncodeBlock(&text, bytes, LibCrypto.length(bytes.count))
    return Array(text.prefix(Int(length)))
  }

  /// The bytes that `text` encodes; nil if `encode` would write another text for them.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    let text = Array(text)
    guard text.count % 4 == 0 else { return nil }
    if text.isEmpty { return [] }
    var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3)
    let length = EVP_DecodeBlock(&bytes, text, LibCrypto.length(text.count))
    guard length >= 0 else {
      ERR_clear_error()
      return nil
    }
    let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard padding <= 2 else { return nil }
    bytes.removeLast(bytes.count - Int(length) + padding)
    return encode(bytes) == text ? bytes : nil
  }

  /// The text that encodes a secret. Leaves no copy of either in memory.
  package static func encodeSecret(_ bytes: borrowing SecretBytes) -> SecretBytes {
    let count = (bytes.count + 2) / 3 * 4
    // libcrypto appends a NUL to the text.
    return SecretBytes(count: count + 1) { span in
      span.withUnsafeMutableBytes { target in
        bytes.withBytes { bytes in
          bytes.withUnsafeBytes {
            _ = EVP_EncodeBlock(
              target.bindMemory(to: UInt8.self).baseAddress,
              $0.bindMemory(to: UInt8.self).baseAddress, LibCrypto.length($0.count))
          }
        }
      }
    }.prefix(count)
  }

  /// The secret that `text` encodes; nil if `encodeSecret` would write another text for it. Leaves
  /// no copy of the secret in memory.
  package static func decodeSecret(_ text: borrowing SecretBytes) -> SecretBytes? {
    let count = text.count
    guard count % 4 == 0 else { return nil }
    if count == 0 { return text.duplicate() }
    let padding = text.withBytes { bytes in
      (0..<2).prefix {
        bytes.unsafeLoad(fromByteOffset: count - 1 - $0, as: UInt8.self) == UInt8(ascii: "=")
      }.count
    }
    var decoded: Int32 = -1
    let output = SecretBytes(count: count / 4 * 3) { span in
      span.withUnsafeMutableBytes { target in
        text.withBytes { bytes in
          bytes.withUnsafeBytes {
            decoded = EVP_DecodeBlock(
              target.bindMemory(to: UInt8.self).baseAddress,
              $0.bindMemory(to: UInt8.self).baseAddress, LibCrypto.length(count))
          }
        }
      }
    }
    guard decoded >= 0 else {
      ERR_clear_error()
      return nil
    }
    let bytes = output.prefix(max(0, Int(decoded) - padding))
    guard SecretBytes.areEqual(encodeSecret(bytes), text) else { return nil }
    return bytes
  }
}
