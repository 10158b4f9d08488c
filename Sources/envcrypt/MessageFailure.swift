import Envelope

/// The text of the errors of messages, and of the keys that open them.
extension Failure {
  init(_ error: MessageError) {
    switch error {
    case .truncated:
      self.init(
        .dataError, "truncated: the input ends before the message does",
        hint: "the rest is missing; get the whole file again")
    case .notAMessage(.empty):
      self.init(.dataError, "not a message: the input is empty")
    case .notAMessage(.base64):
      self.init(
        .dataError, "not a message, but the base64 of one",
        hint: "base64 -d FILE | envcrypt decrypt")
    case .notAMessage(.other):
      self.init(.dataError, "not a message: it does not begin with the version byte 1 or 2")
    case .unsupportedVersion(let version):
      self.init(
        .dataError, "message format version \(version) is not supported, only 1 and 2",
        hint: "a later envcrypt may read it; this is \(Envcrypt.version)")
    case .unsupportedType(let type):
      self.init(.dataError, "message type 0x\(String(type, radix: 16)) is not supported, only 0x80")
    case .unknownSuite(let suite):
      let digits = String(suite, radix: 16)
      self.init(
        .dataError,
        "unknown algorithm suite 0x\(String(repeating: "0", count: 4 - digits.count))\(digits)",
        hint: "a later envcrypt may read it; this is \(Envcrypt.version)")
    case .malformed(let what):
      self.init(.dataError, "malformed message: \(Text.printable(what))")
    case .tooManyEncryptedDataKeys(let found, let limit):
      self.init(
        .dataError, "the message has \(found) encrypted data keys, more than the limit of \(limit)",
        hint: "add --max-encrypted-data-keys \(found) if you trust the sender")
    case .headerTooLong(let limit):
      self.init(.dataError, "the message's header is longer than \(Text.size(Int64(limit)))")
    case .frameLengthOutOfRange(let found):
      self.init(
        .dataError,
        "frame length \(found) is out of range: \(FrameLength.range.lowerBound) to "
          + "\(FrameLength.range.upperBound) bytes")
    case .tooManyFrames:
      self.init(
        .dataError, "the input needs more frames than a message can have",
        hint: "choose a larger --frame-length")
    case .nonFramedBodyTooLarge(let length, let limit):
      self.init(
        .dataError,
        "a non-framed message of \(Text.size(Int64(clamping: length))) cannot be decrypted into a "
          + "pipe: more than \(Text.size(Int64(limit))) must be held in memory until verified",
        hint: "decrypt it to a file with -o FILE")
    case .trailingData:
      self.init(.dataError, "there is more data after the end of the message")
    case .malformedArmor(let what):
      self.init(.dataError, "malformed armor: \(Text.printable(what))")
    }
  }

  init(_ error: DecryptionPolicyError) {
    switch error {
    case .notCommitting(let suite):
      self.init(
        .dataError, "the message's suite \(suite.name) does not commit to its key",
        hint: "add --commitment-policy require-encrypt-allow-decrypt to read such messages")
    case .signed(let suite):
      self.init(
        .dataError, "the message is signed (\(suite.name)), and --unsigned-only is set",
        hint: "leave out --unsigned-only")
    case .contextMismatch(let key, let expected, let found):
      let was = found.map { "'\(Text.printable($0))'" } ?? "missing"
      self.init(
        .dataError,
        "wrong encryption context: '\(Text.printable(key))' should be "
          + "'\(Text.printable(expected))' but is \(was)",
        hint: "envcrypt inspect FILE shows the message's context")
    }
  }

  init(_ error: MessageRangeError) {
    self.init(error, cut: "tail -c +N | head -c LENGTH")
  }

  /// The failure to decrypt a part of a message. `cut` is the pipe that cuts the part out of the
  /// whole plaintext.
  init(_ error: MessageRangeError, cut: String) {
    switch error {
    case .notSeekable:
      self.init(
        .usage, "only a message in a regular file can be decrypted in part",
        hint: "name the file, or decrypt all of it: envcrypt decrypt | \(cut)")
    case .armored:
      self.init(
        .usage, "a message in armor cannot be decrypted in part",
        hint: "decrypt all of it: envcrypt decrypt -o - FILE | \(cut)")
    case .notFramed:
      self.init(
        .usage, "a non-framed message cannot be decrypted in part: one tag covers all of it",
        hint: "decrypt all of it: envcrypt decrypt -o - FILE | \(cut)")
    case .signed:
      self.init(
        .dataError,
        "the message is signed, and a part of it is not enough to verify the signature",
        hint: "add --ignore-signature to rely on the authentication of the frames")
    }
  }

  init(_ error: NoMatchingKeyError) {
    let wanted = error.wanted.map {
      "\(Text.printable($0.providerID)) \(Text.printable($0.keyName))"
    }
    let offered = error.offered.map(Text.printable)
    self.init(
      .unavailable,
      "no key opens the message; it needs one of: \(wanted.joined(separator: ", ")); available: "
        + (offered.isEmpty ? "none" : offered.joined(separator: ", ")),
      hint: "envcrypt inspect FILE shows the message's keys; --keyring FILE adds a key")
  }

  init(_ error: KeyringError) {
    switch error {
    case .readOnlyPadding(let name):
      self.init(
        .usage,
        "key '\(Text.printable(name))' has PKCS #1 v1.5 padding, which is for decryption only",
        hint: "use oaep-mgf1 with sha256 in the keyring file")
    case .malformedFile(let what):
      self.init(.configuration, "not a keyring file: \(Text.printable(what))")
    }
  }

  init(_ error: CryptoError) {
    switch error {
    case .authenticationFailed:
      self.init(
        .dataError, "not authentic: the message was altered, or damaged",
        hint: "get the file again from an intact copy")
    case .invalidKey(let what): self.init(.configuration, "unusable key: \(Text.printable(what))")
    case .privateKey(let what):
      self.init(
        .configuration, "unusable key: \(Text.printable(what))",
        hint: "openssl pkey -in FILE -pubout (or ssh-keygen -y -f FILE) writes its public key")
    case .outOfMemory(let count): self.init(OutOfMemoryError(count: count))
    case .libcrypto(let operation, let reasons):
      self.init(
        .software,
        "\(operation) failed: \(reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; "))"
      )
    }
  }
}
