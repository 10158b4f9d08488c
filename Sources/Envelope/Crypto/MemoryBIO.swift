import COpenSSL

/// The owner of a memory `BIO`.
final class MemoryBIO {
  let pointer: OpaquePointer

  /// An empty BIO, to write to.
  init() throws(CryptoError) {
    pointer = try LibCrypto.check(BIO_new(BIO_s_mem()), "BIO_new")
  }

  /// A BIO with a copy of `bytes`.
  convenience init(reading bytes: RawSpan) throws(CryptoError) {
    try self.init()
    let pointer = pointer
    let written = bytes.withUnsafeBytes {
      BIO_write(pointer, $0.baseAddress, LibCrypto.length($0.count))
    }
    guard written == bytes.byteCount else { throw LibCrypto.failure("BIO_write") }
  }

  deinit { BIO_free_all(pointer) }

  func contents() -> [UInt8] { withContents { Array($0) } }

  private func withContents<Result: ~Copyable>(
    _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    var bytes: UnsafeMutablePointer<CChar>?
    let count = envcrypt_bio_contents(pointer, &bytes)
    return body(UnsafeRawBufferPointer(start: bytes, count: count))
  }
}
