import COpenSSL

/// Bytes that must not outlive their use. They have one owner, are wiped at the end of its
/// lifetime, and are lent only to closures. They are in `SecretMemory`, out of swap and core dumps.
///
/// They have no description and cannot be copied implicitly.
public struct SecretBytes: ~Copyable, @unchecked Sendable {
  private let memory: UnsafeMutableRawBufferPointer

  /// Allocates `count` zero bytes and lets `fill` write them. Throws the error of `fill`.
  public init<Failure: Error>(
    count: Int, fill: (inout MutableRawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    memory = SecretMemory.allocate(max(count, 1))
    self.count = count
    var span = MutableRawSpan(
      _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
    try fill(&span)
  }

  /// Copies `bytes`. The caller wipes the original.
  public init(copying bytes: RawSpan) {
    self.init(count: bytes.byteCount) { span in
      span.withUnsafeMutableBytes { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) }
      }
    }
  }

  deinit { SecretMemory.release(memory) }

  /// The number of bytes.
  public let count: Int

  /// Lends the bytes to `body` and returns its result. Throws the error of `body`.
  public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[..<count])))
  }

  /// Lends the bytes to `body` for writing.
  mutating func withMutableBytes<Result: ~Copyable, Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var span = MutableRawSpan(
      _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
    return try body(&span)
  }

  /// A second owner of the same bytes.
  package borrowing func duplicate() -> SecretBytes {
    withBytes { SecretBytes(copying: $0) }
  }

  /// The first `count` bytes, as a new owner.
  package borrowing func prefix(_ count: Int) -> SecretBytes {
    withBytes { SecretBytes(copying: $0.extracting(first: count)) }
  }

  /// The last `count` bytes, as a new owner.
  package borrowing func suffix(_ count: Int) -> SecretBytes {
    withBytes { SecretBytes(copying: $0.extracting(last: count)) }
  }

  /// True if both have the same bytes. The time depends only on their number.
  package static func areEqual(_ left: borrowing SecretBytes, _ right: borrowing SecretBytes)
    -> Bool
  {
    left.count == right.count
      && CRYPTO_memcmp(left.memory.baseAddress, right.memory.baseAddress, left.count) == 0
  }
}

extension SecretBytes {
  /// Returns `count` random bytes from the libcrypto generator for private values. Throws
  /// `CryptoError.libcrypto` if the generator fails.
  public static func random(count: Int) throws(CryptoError) -> SecretBytes {
    LibCrypto.prepare()
    return try SecretBytes(count: count) { (span) throws(CryptoError) in
      let status = span.withUnsafeMutableBytes {
        RAND_priv_bytes($0.baseAddress, LibCrypto.length($0.count))
      }
      try LibCrypto.check(status, "RAND_priv_bytes")
    }
  }
}

/// Public random values: message IDs, nonces, salts.
package enum Random {
  package static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
    LibCrypto.prepare()
    var bytes = [UInt8](repeating: 0, count: count)
    try LibCrypto.check(RAND_bytes(&bytes, LibCrypto.length(count)), "RAND_bytes")
    return bytes
  }
}
