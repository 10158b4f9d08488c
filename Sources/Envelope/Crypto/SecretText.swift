/// Secret text, for example a key in PEM. Owners share it; it is wiped when the last reference
/// goes, and is never printed.
package final class SecretText: Sendable {
  package let bytes: SecretBytes

  package init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

  /// Text that is not secret: a public key in the place of a private one.
  convenience init(_ text: String) {
    let utf8 = Array(text.utf8)
    self.init(SecretBytes(copying: utf8.span.bytes))
  }
}

extension SecretText: Equatable {
  package static func == (left: SecretText, right: SecretText) -> Bool {
    SecretBytes.areEqual(left.bytes, right.bytes)
  }
}

extension SecretText: CustomStringConvertible, CustomReflectable {
  package var description: String { "SecretText" }
  package var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}

/// A writer that assembles a secret from pieces. When it grows, it wipes the old memory.
struct SecretWriter: ~Copyable {
  private var memory = SecretBytes(count: 1024) { _ in }
  private(set) var count = 0

  mutating func append(_ bytes: RawSpan) {
    let start = count
    reserve(bytes.byteCount)
    memory.withMutableBytes { span in
      span.withUnsafeMutableBytes { target in
        bytes.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: $0)
        }
      }
    }
    count += bytes.byteCount
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(RawSpan(_unsafeElements: $0)) }
  }

  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { append(RawSpan(_unsafeElements: $0)) }
  }

  private mutating func reserve(_ more: Int) {
    guard memory.count - count < more else { return }
    let old = memory.prefix(count)
    memory = SecretBytes(count: max(count + more, 2 * memory.count)) { span in
      span.withUnsafeMutableBytes { target in
        old.withBytes { bytes in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
      }
    }
  }

  consuming func finish() -> SecretBytes { memory.prefix(count) }
}
