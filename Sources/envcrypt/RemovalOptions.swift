import ArgumentParser
import Envelope
import KMSKeystore
import KMSService
import SystemPackage

/// The option for what becomes of inputs.
struct RemovalOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Remove each input once its output is on the disk and verified.",
      discussion: "Only regular files; directories and links stay."))
  var rm = false

  /// Throws if outputs are not files on the disk, or if inputs are not files.
  func check(_ inputs: InputOptions, _ output: OutputOptions) throws {
    guard rm else { return }
    if output.output == "-" { throw RemovalError.output("-") }
    let isStandardInput = inputs.files.isEmpty && inputs.filesFrom == nil && !inputs.recursive
    if isStandardInput || inputs.files.contains(where: { FilePath(argument: $0).namesDescriptor }) {
      throw RemovalError.standardInput
    }
    if output.noSync {
      throw Failure(
        .usage, "--rm and --no-sync cannot be used together",
        hint: "leave out --no-sync: an input is removed only if its output is on the disk")
    }
  }

  /// Throws if no key that `encrypt` is given can open the messages again. Public keys cannot.
  func check(_ wrapping: WrappingOptions, _ keyring: KeyringOptions) throws {
    if rm, !wrapping.usesKeystore(besides: keyring), keyring.isEmpty { throw Self.noKey }
  }

  /// Throws unless one of the keys can open messages.
  func check(_ keyrings: [any Keyring]) throws {
    if rm, !keyrings.contains(where: \.canUnwrap) { throw Self.noKey }
  }

  private static var noKey: Failure {
    Failure(
      .usage, "--rm verifies each message, and a public key alone cannot open it",
      hint: "add a key that can: -k alias/default, or --keyring with a private key")
  }

  /// Returns the removal for `encrypt`; nil if inputs stay. Messages are opened with `keyrings`, or
  /// with the keys of the keystore if `store` is not nil.
  func removal(
    _ keyrings: [any Keyring], _ store: SharedKeystore?, _ context: EncryptionContext,
    _ scheduler: Scheduler, keeping attributes: AttributeOptions, keystoreFiles: KeystoreFiles,
    keys: [FilePath]
  ) throws -> InputRemoval? {
    guard rm else { return nil }
    try check(keyrings)
    let provider = MultiKeyring(
      keyrings.filter(\.canUnwrap),
      others: { try store?.keyrings(isOptional: false) ?? [] })
    let decryptor = MessageDecryptor(
      materialsProvider: provider, requiredContext: context,
      limits: HeaderLimits(encryptedDataKeys: Int(UInt16.max)), scheduler: scheduler)
    return InputRemoval(
      of: .encrypt, keeping: attributes, keystoreFiles: keystoreFiles, keys: keys
    ) { try decryptor.decrypt(from: $0, to: $1) }
  }
}

extension WrappingOptions {
  /// True if messages are encrypted under keys of the keystore.
  func usesKeystore(besides others: KeyringOptions) -> Bool {
    !keys.isEmpty || areEmpty && others.isEmpty
  }
}

extension KeystoreOptions {
  /// Returns the files that the keystore is unlocked with: of these options and of the settings, and
  /// those of its protectors if it is open.
  func filesOfSecrets(_ service: KeyService?) throws -> [FilePath] {
    let settings = Settings.current
    var files = settings.keyFile(option: keyFile).map { [$0.value] } ?? []
    let origin = try settings.passphrase(
      fileOption: passphraseFile, descriptor: passphraseDescriptor)
    if case .file(let path) = origin.value { files.append(path) }
    let protectors = try service?.keystore.protectors() ?? []
    return files + protectors.compactMap { $0.keyFilePath.map { FilePath($0) } }
  }
}
