import ArgumentParser
import Envelope
import KMSAPI
import KMSKeystore
import KMSService
import SystemPackage

/// The option for the pairs of an encryption context.
struct ContextOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("context")],
    help: ArgumentHelp(
      "A pair of the encryption context, or several: a=b,c=d. Not secret; bound to the message.",
      discussion: "Write \\, for a comma that is part of a value.",
      valueName: "key=value"))
  var pairs: [String] = []

  /// Checks that the pairs are UTF-8: arguments are bytes, but the encryption context of a message
  /// is text.
  mutating func validate() throws {
    pairs = try pairs.map { pair in
      guard let text = String(validating: ArgumentBytes.bytes(of: pair), as: UTF8.self) else {
        throw ValidationError(
          "'\(Text.printable(pair))' is not UTF-8, as an encryption context must be")
      }
      return text
    }
  }

  /// True if the argument is UTF-8 and carries no bytes: `validate` would leave it as it is.
  static func isText(_ argument: String) -> Bool {
    !argument.unicodeScalars.contains { ArgumentBytes.carriedByte($0) != nil }
  }

  /// Returns the pairs, each split at its first '='.
  func encryptionContext() throws -> EncryptionContext {
    var context = EncryptionContext()
    for pair in try pairs.flatMap(ContextPairs.split) {
      guard let equals = pair.utf8.firstIndex(of: UInt8(ascii: "=")), equals > pair.startIndex
      else {
        throw Failure(
          .usage, "'\(Text.printable(pair))' is not a pair of an encryption context",
          hint: "-c key=value")
      }
      let key = String(pair[..<equals])
      let value = String(pair[pair.utf8.index(after: equals)...])
      guard !EncryptionContext.isReserved(key) else {
        throw Failure(
          .usage,
          "'\(Text.printable(key))' is reserved: the message format uses keys that begin with "
            + EncryptionContext.reservedPrefix)
      }
      guard context[key] == nil else {
        throw Failure(.usage, "the encryption context has '\(Text.printable(key))' twice")
      }
      do {
        try context.insert(key, value)
      } catch {
        throw Failure(.usage, "unusable encryption context")
      }
    }
    return context
  }
}

/// The options for the keys that can open a message.
struct WrappingOptions: ParsableArguments {
  @Option(
    name: [.customShort("k"), .customLong("key")],
    help: ArgumentHelp("A key of the keystore: key ID, alias/… or ARN.", valueName: "key"))
  var keys: [String] = []

  @Option(
    name: [.customShort("r"), .customLong("recipient")],
    help: ArgumentHelp(
      "A file of public keys or certificates, RSA or elliptic-curve (P-256, P-384, P-521).",
      discussion: """
        PEM, DER, or lines of OpenSSH (ssh-rsa, ecdsa-sha2-…). Every key in the file can open the \
        message. No keystore is needed.
        """,
      valueName: "pub.pem"),
    completion: .file())
  var recipients: [String] = []

  @Option(
    name: .customLong("recipients-file"),
    help: ArgumentHelp(
      "A list of recipients: keys as for --recipient, or names of such files, one per line.",
      valueName: "file"),
    completion: .file())
  var recipientLists: [String] = []

  /// True if neither keys nor recipients are named.
  var areEmpty: Bool { keys.isEmpty && recipients.isEmpty && recipientLists.isEmpty }

  /// Returns a keyring for each named key and recipient, without repetitions, and then `others`. If
  /// there are none at all, returns keyrings for the keys of the settings, or for alias/default.
  func keyrings(
    besides others: [any Keyring], keystore: () throws -> KeyService
  ) throws -> [any Keyring] {
    let others = try recipientKeyrings() + others
    return try keys.isEmpty && !others.isEmpty ? others : keystoreKeyrings(keystore()) + others
  }

  /// Returns a keyring for each named recipient, without repetitions.
  func recipientKeyrings() throws -> [any Keyring] {
    Self.eachOnce(
      try recipients.flatMap { try RecipientFile.keyrings(FilePath(argument: $0)) }
        + recipientLists.flatMap { try RecipientFile.keyrings(list: FilePath(argument: $0)) })
  }

  /// Returns a keyring for each named key, or for the keys of the settings.
  func keystoreKeyrings(_ service: KeyService) throws -> [any Keyring] {
    let names = try Settings.current.keys(options: keys)
    return Self.eachOnce(try names.value.map { try Self.keyring($0, from: names.source, service) })
  }

  /// Returns a keyring for a key of the keystore. An error names the variable or the file that names
  /// the key.
  private static func keyring(
    _ name: String, from source: SettingSource, _ service: KeyService
  ) throws -> any Keyring {
    do {
      return try service.wrappingKeyring(name)
    } catch  where source.isSetting {
      throw Failure(error).about(source.text)
    }
  }

  /// Returns the keyrings without repetitions. The names of keystore keys and recipients come from
  /// the keys themselves. Keys in keyring files may share a name, so do not use this for them.
  private static func eachOnce(_ keyrings: [any Keyring]) -> [any Keyring] {
    guard keyrings.count > 1 else { return keyrings }
    var names: Set<WrappingKeyName> = []
    return keyrings.filter { $0.wrappingKey.map { names.insert($0).inserted } ?? true }
  }
}

/// The option for keyring files.
struct KeyringOptions: ParsableArguments {
  @Option(
    name: .customLong("keyring"),
    help: ArgumentHelp(
      "A keyring file: keys in JSON, as 'key export' writes them, or private keys in PEM.",
      valueName: "file"), completion: .file())
  var files: [String] = []

  var isEmpty: Bool { files.isEmpty }

  func keyrings() throws -> [any Keyring] {
    try files.flatMap { name in
      let path = FilePath(argument: name)
      do {
        return try SmallFile.readKeyring(path).keyrings()
      } catch let error as KeyringError {
        throw Failure(error).about(Text.printable(path))
      }
    }
  }
}

/// Reads small files as a whole: keys, policies, templates and lists of names, but not data to
/// encrypt.
enum SmallFile {
  static func read(_ path: FilePath, limit: Int, as noun: String = "key") throws -> [UInt8] {
    try read(
      path == "-" ? .standardInput : try Descriptor.openInput(path), limit: limit, as: noun)
  }

  static func read(_ file: Descriptor, limit: Int, as noun: String) throws -> [UInt8] {
    let source = DescriptorSource(file)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      var span = chunk.mutableSpan
      var raw = span.mutableBytes
      let count = try source.read(into: &raw)
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk.prefix(count))
      guard bytes.count <= limit else { throw tooLarge(file.path, limit, noun) }
    }
  }

  /// Reads a keyring file. Throws `FileRuleError.openToOthers` if the file contains secrets and
  /// others may access it.
  /// `open` decrypts a file that a passphrase encrypts; without it, such a file is not one.
  static func readKeyring(
    _ path: FilePath, sealed open: ((borrowing SecretBytes) throws -> KeyringFile)? = nil
  ) throws -> KeyringFile {
    let file = path == "-" ? .standardInput : try Descriptor.openInput(path)
    let bytes = try readSecret(file, limit: KeyringFile.sizeLimit, as: "key")
    try refuse(
      NoKeyMaterial(bytes), at: path, as: "a keyring file",
      hint: open == nil
        ? nil : "decrypt the message first, into a pipe: envcrypt decrypt -o - FILE | envcrypt …")
    if let open, EscrowFile.isSealed(bytes) { return try open(bytes) }
    let keyring = try KeyringFile(parsing: bytes)
    if keyring.holdsSecrets { try file.status().requirePrivate(path) }
    return keyring
  }

  /// Reads a keyring file whose keys are imported, encrypted with a passphrase or not. Its errors
  /// name the file.
  static func readKeysToImport(_ path: FilePath, _ escrow: EscrowOptions) throws -> KeysToImport {
    do {
      return try KeysToImport(readKeyring(path, sealed: { try escrow.open($0, from: path) }))
    } catch let error as KeyServiceError {
      throw Failure(ofKeyringFile: error).about(Text.printable(path))
    } catch let error as KeyringError {
      throw Failure(error).about(Text.printable(path))
    } catch let error as CryptoError {
      throw Failure(error).about(Text.printable(path))
    } catch let error as MessageError {
      throw Failure(error).about(Text.printable(path))
    }
  }

  /// Throws if a file is of another kind than it is used for.
  static func refuse(
    _ kind: NoKeyMaterial?, at path: FilePath, as noun: String, hint: String? = nil
  ) throws {
    guard let kind else { return }
    throw Failure(
      .configuration, "\(Text.printable(path)) is \(kind.rawValue), and not \(noun)",
      hint: kind == .message ? hint : nil)
  }

  static func readSecret(
    _ path: FilePath, limit: Int, as noun: String = "key"
  ) throws -> SecretBytes {
    try readSecret(
      path == "-" ? .standardInput : try Descriptor.openInput(path), limit: limit, as: noun)
  }

  /// Reads a secret file. Leaves no copy of its contents in memory.
  private static func readSecret(
    _ file: Descriptor, limit: Int, as noun: String
  ) throws -> SecretBytes {
    let source = DescriptorSource(file)
    let expected = Int(clamping: source.expectedCount ?? 0)
    var capacity = min(max(expected + 1, 4096), limit + 1)
    var bytes = SecretBytes(count: 0) { _ in }
    while true {
      let known = bytes
      var count = known.count
      bytes = try SecretBytes(count: capacity) { span in
        known.withBytes { bytes in
          span.withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes { target.copyMemory(from: $0) }
          }
        }
        while count < capacity {
          let done = count
          let read = try span.withUnsafeMutableBytes { target in
            var rest = MutableRawSpan(
              _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: target[done...]))
            return try source.read(into: &rest)
          }
          if read == 0 { break }
          count += read
        }
      }
      if count < capacity { return bytes.prefix(count) }
      guard count <= limit else { throw tooLarge(file.path, limit, noun) }
      capacity = min(capacity * 2, limit + 1)
    }
  }

  private static func tooLarge(_ path: FilePath, _ limit: Int, _ noun: String) -> Failure {
    Failure(
      .configuration,
      "\(Text.printable(path)) has more than \(Text.size(Int64(limit))): that is not a \(noun)")
  }
}

/// The options for the keys that open messages, and for the messages that are accepted.
struct DecryptionOptions: ParsableArguments {
  @OptionGroup var keystore: KeystoreOptions

  @Option(
    name: [.customShort("k"), .customLong("key")],
    help: ArgumentHelp(
      "Try only this key of the keystore: key ID, alias/… or ARN.",
      discussion: "Without it, every key of the keystore may open the message.",
      valueName: "key"))
  var keys: [String] = []

  @OptionGroup var keyring: KeyringOptions
  @OptionGroup var acceptance: AcceptanceOptions

  func store(ofManyFiles leftovers: Leftovers?) throws -> SharedKeystore {
    try SharedKeystore(keystore, ofManyFiles: leftovers)
  }

  func decryptor(_ store: SharedKeystore, _ scheduler: Scheduler) throws -> MessageDecryptor {
    let keyrings = try keyring.keyrings()
    guard keys.isEmpty else {
      let service = try store.serviceToDecrypt()
      for name in keys { _ = try service.perform(DescribeKeyRequest(keyID: name)) }
      let keystoreKeyring = KeystoreKeyring(service, unwrappingUnder: keys)
      return try acceptance.decryptor(MultiKeyring(keyrings + [keystoreKeyring]), scheduler)
    }
    return try acceptance.decryptor(
      MultiKeyring(keyrings, others: { try store.keyrings(isOptional: !keyrings.isEmpty) }),
      scheduler)
  }
}

/// The options for the messages that a reader accepts.
struct AcceptanceOptions: ParsableArguments {
  @OptionGroup var context: ContextOptions

  @Option(
    help: ArgumentHelp(
      "Which messages to decrypt: only those with key commitment, or, with "
        + "require-encrypt-allow-decrypt, all.", valueName: "policy"))
  var commitmentPolicy = CommitmentPolicy.requireEncryptRequireDecrypt

  @Option(
    help: ArgumentHelp("The maximum number of encrypted data keys in a message.", valueName: "n"))
  var maxEncryptedDataKeys = HeaderLimits.standard.encryptedDataKeys

  @Flag(
    help: ArgumentHelp(
      "Refuse signed messages.",
      discussion: """
        In a pipe, all but the last frame of a signed message are written before its signature is \
        verified. Use this option if you cannot undo what was written.
        """))
  var unsignedOnly = false

  mutating func validate() throws {
    guard (1...Int(UInt16.max)).contains(maxEncryptedDataKeys) else {
      throw ValidationError("--max-encrypted-data-keys must be 1 to \(UInt16.max)")
    }
  }

  func decryptor(
    _ provider: any DecryptionMaterialsProvider, _ scheduler: Scheduler
  ) throws -> MessageDecryptor {
    MessageDecryptor(
      materialsProvider: provider, requiredContext: try context.encryptionContext(),
      policy: commitmentPolicy, allowsSigned: !unsignedOnly,
      limits: HeaderLimits(encryptedDataKeys: maxEncryptedDataKeys), scheduler: scheduler)
  }
}

extension FrameLength {
  /// Checks the argument of `--frame-length`.
  init(argument: UInt32) throws {
    guard Self.range.contains(argument) else {
      throw Failure(
        .usage,
        "--frame-length must be \(Self.range.lowerBound) to \(Self.range.upperBound), not "
          + "\(argument)"
      )
    }
    try self.init(argument)
  }
}

extension CommitmentPolicy: ExpressibleByArgument {}
extension KeySpec: ExpressibleByArgument {
  package static var allValueStrings: [String] { supportedValues }
}
extension KeyUsage: ExpressibleByArgument {}
extension KeyOrigin: ExpressibleByArgument {}
extension DataKeySpec: ExpressibleByArgument {}
