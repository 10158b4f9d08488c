import COpenSSL

/// AES-GCM under one key with 12-byte nonces and 16-byte tags, set up once and used for any number
/// of nonces. The caller must never seal twice with the same nonce under one key.
package struct AESGCM: ~Copyable {
  package static let nonceLength = 12
  package static let tagLength = 16

  /// The operation that the context is set up for.
  enum Direction { case seal, open }

  private let owner: CipherContext
  private let direction: Direction
  private var context: OpaquePointer { owner.pointer }

  /// Throws `invalidKey` unless `key` has 16, 24 or 32 bytes.
  init(key: borrowing SecretBytes, for direction: Direction) throws(CryptoError) {
    LibCrypto.prepare()
    let cipher: OpaquePointer?
    switch key.count {
    case 16: cipher = EVP_aes_128_gcm()
    case 24: cipher = EVP_aes_192_gcm()
    case 32: cipher = EVP_aes_256_gcm()
    default: throw .invalidKey("AES-GCM takes 16, 24 or 32 bytes, not \(key.count)")
    }
    let owner = try CipherContext()
    let status = key.withBytes { bytes in
      bytes.withUnsafeBytes {
        EVP_CipherInit_ex2(
          owner.pointer, cipher, $0.bindMemory(to: UInt8.self).baseAddress, nil,
          direction == .seal ? 1 : 0, nil)
      }
    }
    try LibCrypto.check(status, "EVP_CipherInit_ex2")
    self.owner = owner
    self.direction = direction
  }

  /// Encrypts `plaintext` into `sealed`: ciphertext, then the tag. `sealed` must be 16 bytes longer
  /// than `plaintext`.
  func seal(
    _ plaintext: RawSpan, nonce: Nonce, authenticating aad: RawSpan,
    into sealed: inout MutableRawSpan
  ) throws(CryptoError) {
    precondition(direction == .seal && sealed.byteCount == plaintext.byteCount + Self.tagLength)
    try begin(nonce, authenticating: aad)
    let status = plaintext.withUnsafeBytes { input in
      sealed.withUnsafeMutableBytes { output -> Int32 in
        let out = output.baseAddress!
        var written: Int32 = 0
        if input.count > 0 {
          let status = EVP_EncryptUpdate(
            context, out.assumingMemoryBound(to: UInt8.self), &written,
            input.bindMemory(to: UInt8.self).baseAddress, LibCrypto.length(input.count))
          if status != 1 { return status }
        }
        let tag = out + input.count
        let status = EVP_EncryptFinal_ex(context, tag.assumingMemoryBound(to: UInt8.self), &written)
        if status != 1 { return status }
        return envcrypt_gcm_get_tag(context, Int32(Self.tagLength), tag)
      }
    }
    try LibCrypto.check(status, "EVP_EncryptUpdate")
  }

  /// Decrypts `sealed` (ciphertext, then the tag) into `plaintext`, which must be 16 bytes shorter.
  /// If the tag does not verify, wipes `plaintext` and throws `authenticationFailed`.
  func open(
    _ sealed: RawSpan, nonce: Nonce, authenticating aad: RawSpan,
    into plaintext: inout MutableRawSpan
  ) throws(CryptoError) {
    precondition(direction == .open && sealed.byteCount == plaintext.byteCount + Self.tagLength)
    try begin(nonce, authenticating: aad)
    let count = plaintext.byteCount
    if count > 0 {
      let updated = try update(sealed.extracting(first: count), into: &plaintext)
      precondition(updated == count)
    }
    do {
      try finish(tag: sealed.extracting(last: Self.tagLength))
    } catch {
      plaintext.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
      throw error
    }
  }

  // A body that is too large to hold in memory is opened in pieces. The caller must not release the
  // output of `update` before `finish` has returned.

  /// Begins one sealed unit.
  func begin(_ nonce: Nonce, authenticating aad: RawSpan) throws(CryptoError) {
    let started = nonce.withUnsafeBytes {
      EVP_CipherInit_ex2(
        context, nil, nil, $0.bindMemory(to: UInt8.self).baseAddress, -1, nil)
    }
    try LibCrypto.check(started, "EVP_CipherInit_ex2")
    guard aad.byteCount > 0 else { return }
    var written: Int32 = 0
    let status = aad.withUnsafeBytes {
      EVP_CipherUpdate(
        context, nil, &written, $0.bindMemory(to: UInt8.self).baseAddress,
        LibCrypto.length($0.count))
    }
    try LibCrypto.check(status, "EVP_CipherUpdate")
  }

  /// Transforms the next piece; returns the number of bytes that it wrote to `output`.
  func update(_ input: RawSpan, into output: inout MutableRawSpan) throws(CryptoError) -> Int {
    precondition(output.byteCount >= input.byteCount)
    guard input.byteCount > 0 else { return 0 }
    var written: Int32 = 0
    let status = input.withUnsafeBytes { source in
      output.withUnsafeMutableBytes { target in
        EVP_CipherUpdate(
          context, target.bindMemory(to: UInt8.self).baseAddress, &written,
          source.bindMemory(to: UInt8.self).baseAddress, LibCrypto.length(source.count))
      }
    }
    try LibCrypto.check(status, "EVP_CipherUpdate")
    return Int(written)
  }

  /// Ends the opening of a unit. Throws `authenticationFailed` unless `tag` verifies.
  func finish(tag: RawSpan) throws(CryptoError) {
    precondition(tag.byteCount == Self.tagLength)
    var none: (UInt8, UInt8) = (0, 0)
    let verified = tag.withUnsafeBytes { bytes -> Bool in
      let tag = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
      guard envcrypt_gcm_set_tag(context, Int32(Self.tagLength), tag) == 1 else { return false }
      var written: Int32 = 0
      return withUnsafeMutableBytes(of: &none) {
        EVP_DecryptFinal_ex(context, $0.bindMemory(to: UInt8.self).baseAddress, &written) == 1
      }
    }
    if !verified { throw LibCrypto.authenticationFailure() }
  }
}

/// A 12-byte AES-GCM nonce, the initialization vector of the message format.
package struct Nonce: Equatable, Sendable {
  /// The values of the first 4 and of the last 8 bytes, read as big-endian.
  private let high: UInt32
  private let low: UInt64

  /// The deterministic nonce of the message format: the sequence number, padded on the left with
  /// zeros.
  init(sequenceNumber: UInt32) {
    high = 0
    low = UInt64(sequenceNumber)
  }

  /// All zeros: the header nonce of format version 2.
  static let zero = Nonce(sequenceNumber: 0)

  init(high: UInt32, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The value in the order of the wire: 4 bytes, then 8.
  var words: (high: UInt32, low: UInt64) { (high, low) }

  package init(bytes: some Collection<UInt8>) {
    precondition(bytes.count == AESGCM.nonceLength)
    high = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    low = bytes.dropFirst(4).reduce(0) { $0 << 8 | UInt64($1) }
  }

  package static func random() throws(CryptoError) -> Nonce {
    Nonce(bytes: try Random.bytes(AESGCM.nonceLength))
  }

  package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let words = (
      high.bigEndian, UInt32(truncatingIfNeeded: low >> 32).bigEndian,
      UInt32(truncatingIfNeeded: low).bigEndian
    )
    return Swift.withUnsafeBytes(of: words, body)
  }
}

extension AESGCM {
  /// Seals a small value in one call, for keyrings and the keystore: ciphertext, then the tag.
  package static func seal(
    _ plaintext: RawSpan, under key: borrowing SecretBytes, nonce: Nonce,
    authenticating aad: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    let cipher = try AESGCM(key: key, for: .seal)
    var sealed = [UInt8](repeating: 0, count: plaintext.byteCount + tagLength)
    var span = sealed.mutableSpan
    var output = span.mutableBytes
    try cipher.seal(plaintext, nonce: nonce, authenticating: aad.span.bytes, into: &output)
    return sealed
  }

  /// Opens the result of `seal`. Throws `authenticationFailed` also if `sealed` is too short.
  package static func open(
    _ sealed: [UInt8], under key: borrowing SecretBytes, nonce: Nonce, authenticating aad: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    guard sealed.count >= tagLength else { throw .authenticationFailed }
    let cipher = try AESGCM(key: key, for: .open)
    return try SecretBytes(count: sealed.count - tagLength) { (span) throws(CryptoError) in
      try cipher.open(
        sealed.span.bytes, nonce: nonce, authenticating: aad.span.bytes, into: &span)
    }
  }
}

/// The owner of an `EVP_CIPHER_CTX`. libcrypto wipes the context when it frees it.
private final class CipherContext {
  let pointer: OpaquePointer

  init() throws(CryptoError) {
    pointer = try LibCrypto.check(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")
  }

  deinit { EVP_CIPHER_CTX_free(pointer) }
}
