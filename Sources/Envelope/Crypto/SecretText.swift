/// Text that is a secret, such as a key in PEM: shared by its owners, wiped when the last lets go,
/// never printed.
public final class SecretText: Sendable {
  let bytes: SecretBytes

  public init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

  /// Text that is none: public keys stand where private ones do.
  convenience init(_ text: String) {
    let utf8 = Array(text.utf8)
    self.init(SecretBytes(copying: utf8.span.bytes))
  }
}

extension SecretText: Equatable {
  public static func == (left: SecretText, right: SecretText) -> Bool {
    SecretBytes.areEqual(left.bytes, right.bytes)
  }
}

extension SecretText: CustomStringConvertible, CustomReflectable {
  public var description: String { "SecretText" }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}

/// Puts a secret together from pieces. What it has outgrown is wiped.
struct SecretWriter: ~Copyable {
  private var memory = SecretBytes(count: 1024) { _ in }
  private(set) var count = 0

  mutating func append(_ bytes: RawSpan) {
    let needed = count + bytes.byteCount
    if needed > memory.count {
      let old = memory.prefix(count)
      memory = SecretBytes(count: max(needed, 2 * memory.count)) { span in
        span.withUnsafeMutableBytes { target in
          old.withBytes { bytes in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
        }
      }
    }
    let start = count
    memory.withMutableBytes { span in
      span.withUnsafeMutableBytes { target in
        bytes.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: $0)
        }
      }
    }
    count = needed
  }

  mutating func append(_ text: String) {
    let utf8 = Array(text.utf8)
    append(utf8.span.bytes)
  }

  consuming func finish() -> SecretBytes { memory.prefix(count) }
}
