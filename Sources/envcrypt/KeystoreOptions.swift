import ArgumentParser
import Envelope
import Foundation
import Glibc
import KMSKeystore
import KMSService
import SystemPackage

/// The options for the keystore and for unlocking it.
struct KeystoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The keystore file.",
      discussion: """
        Without it: $ENVCRYPT_KEYSTORE, the configuration file (see 'envcrypt config'), \
        $XDG_DATA_HOME/envcrypt/keystore.db, or ~/.local/share/envcrypt/keystore.db.
        """, valueName: "path"), completion: .file())
  var keystore: String?

  @Option(
    help: ArgumentHelp(
      "Read the passphrase from the first line of a file.",
      discussion: """
        Without it: $ENVCRYPT_PASSPHRASE_FILE, the output of $ENVCRYPT_PASSPHRASE_COMMAND, the \
        configuration file (see 'envcrypt config'), or the terminal. A passphrase is never taken \
        from the command line, which others can read.
        """, valueName: "file"), completion: .file())
  var passphraseFile: String?

  @Option(
    name: .customLong("passphrase-fd"),
    help: ArgumentHelp("Read the passphrase from an open file descriptor.", valueName: "n"))
  var passphraseDescriptor: Int32?

  @Option(
    help: ArgumentHelp(
      "The key file of a protector, if the file was moved.", valueName: "file"),
    completion: .file())
  var keyFile: String?

  mutating func validate() throws {
    if passphraseFile != nil, passphraseDescriptor != nil {
      throw ValidationError("--passphrase-file and --passphrase-fd cannot be used together")
    }
  }

  /// Returns the keystore's path.
  func path() throws -> FilePath {
    try Settings.current.keystore(option: keystore).value
  }

  /// Returns a console whose hints name the keystore that the user named.
  func console(isQuiet: Bool = false, keepingWarnings: Bool = false) -> Console {
    Console(isQuiet: isQuiet, keepingWarnings: keepingWarnings, keystore: keystore)
  }

  /// Returns the files that must never be an output.
  func files() -> KeystoreFiles { KeystoreFiles(of: try? path()) }

  /// Returns the source of the secrets of the keystore, or of the one at `place`.
  func secrets(of place: FilePath? = nil) throws -> PassphraseSource {
    let settings = Settings.current
    let origin = try settings.passphrase(
      fileOption: passphraseFile, descriptor: passphraseDescriptor)
    return try PassphraseSource(
      origin: origin.value, keyFile: settings.keyFile(option: keyFile)?.value,
      prompt: Text.printable(try place ?? path()), console: console())
  }

  /// Returns the keystore, which stays open until the process ends.
  func store() throws -> Keystore {
    try refuseOutputToKeystore()
    let keystore = try Keystore(at: try path())
    keystore.leaveOpen()
    return keystore
  }

  /// Throws `FileRuleError.reserved` if standard output is a file of the keystore: a report would
  /// damage it.
  private func refuseOutputToKeystore() throws {
    guard let status = try? Descriptor.standardOutput.status(), status.kind == .regular else {
      return
    }
    try files().check(status, named: "standard output")
  }

  /// Returns a service for making a copy of the keystore. A keystore with several names (hard
  /// links, mounts) is only read.
  func serviceToCopy() throws -> KeyService {
    do {
      return try service()
    } catch KeystoreFileError.severalNames, KeystoreFileError.mounted {
      let keystore = try Keystore(copying: try path())
      keystore.leaveOpen()
      return try KeyService(KeyServiceHost(keystore, secrets: try secrets()))
    }
  }

  /// Opens the keystore for `body`. Nothing is unlocked before a key is used. All uses of keys by
  /// `body` are in the audit log when this returns; if that fails, it throws `Failure.unrecorded`.
  @discardableResult
  func withService<Value>(
    takingKeyIDPrefixes: Bool = true, _ body: (KeyService) throws -> Value
  ) throws -> Value {
    var service = try service()
    service.takesKeyIDPrefixes = takingKeyIDPrefixes
    return try Self.recording(service) { [service] in try body(service) }
  }

  /// Runs `body`, then writes the audit records of `service`, which `body` itself may have opened.
  /// Throws `Failure.unrecorded` if the audit log does not have all of them.
  fileprivate static func recording<Value>(
    _ service: @autoclosure () -> KeyService?, orElse failure: Failure = .unrecorded,
    _ body: () throws -> Value
  ) throws -> Value {
    let result = Result { try body() }
    let isRecorded = service()?.finishRecords() ?? true
    do {
      let value = try result.get()
      guard isRecorded else { throw failure }
      return value
    } catch let code as ExitCode {
      // A failure of a file must not hide that the audit log lacks records, and vice versa.
      let statuses = Set([ExitStatus(rawValue: code.rawValue), .ioError].compactMap { $0 })
      guard isRecorded || ExitStatus.first(of: statuses) != .ioError else {
        throw failure
      }
      throw code
    }
  }

  /// Returns a service for a command that shows only what everybody may see; nil if the keystore
  /// cannot be opened. Throws if standard output is a file of the keystore.
  func serviceForShowing() throws -> KeyService? {
    try refuseOutputToKeystore()
    return try? service()
  }

  fileprivate func service(_ secrets: PassphraseSource? = nil) throws -> KeyService {
    LibCrypto.warmUp()
    let keystore = try store()
    var listener = KeyServiceListener()
    listener.recordsWereLost = Console.warnOfLoss
    let console = console()
    listener.versionIsWorn = { console.warning($0.warning, hint: $0.hint) }
    listener.clockWasSetBack = { console.warning($0.warning, hint: $0.hint) }
    var service = try KeyService(
      KeyServiceHost(keystore, secrets: try secrets ?? self.secrets(), listener: listener))
    service.takesKeyIDPrefixes = true
    return service
  }

  /// Runs `body` with the protector that `--protector` names, with its passphrase or key file.
  /// Makes the key file if there is none, and removes it again if `body` throws, unless a keystore
  /// uses it. A signal that ends the process removes it too, until `body` calls its second argument
  /// because it is about to store the protector. From then on the signal waits for `body`.
  func withNewProtector<Value>(
    _ text: String, passphrase: PassphraseSource, leftovers: Leftovers,
    isUsed: (FilePath) -> Bool,
    _ body: (consuming NewProtector, _ willStore: () -> Void) throws -> Value
  ) throws -> Value {
    if text == "none" { return try body(.none, {}) }
    if text == "passphrase" { return try body(.passphrase(try passphrase.newPassphrase()), {}) }
    guard text.hasPrefix("key-file:"), text != "key-file:" else {
      throw Failure(
        .usage, "unknown protector '\(Text.printable(text))'",
        hint: "passphrase, key-file:PATH or none")
    }
    let path = Self.absolute(FilePath(argument: String(text.dropFirst("key-file:".count))))
    let isNew = try FileStatus.at(path) == nil
    guard isNew else {
      try refuseFileOfKeystore(path)
      return try body(.keyFile(path, contents: try KeyFile.readForNewProtector(path)), {})
    }
    leftovers.watch()
    try KeyFile.create(path, reserved: files(), leftovers: leftovers)
    var isHeld = false
    defer { if isHeld { leftovers.release() } }
    let result = Result {
      try body(.keyFile(path, contents: try KeyFile.readForNewProtector(path))) {
        if !isHeld { leftovers.hold() }
        isHeld = true
      }
    }
    if case .failure = result, !isUsed(path) {
      leftovers.remove(path)
    } else {
      leftovers.forget(path)
    }
    return try result.get()
  }

  /// Throws `KeystoreError.unusableKeyFile` if the key file belongs to a keystore, by its name or
  /// under another name: SQLite may change or remove it.
  private func refuseFileOfKeystore(_ path: FilePath) throws {
    guard let (place, existing) = try? FilePlace.following(path) else { return }
    do {
      try files().check(place, existing: existing)
    } catch FileRuleError.reserved {
      throw KeystoreError.unusableKeyFile(path, "it belongs to a keystore")
    }
  }

  private static func absolute(_ path: FilePath) -> FilePath {
    guard path.isRelative, let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return FilePath(platformString: directory).pushing(path)
  }
}

/// A command that uses the keystore which `--keystore` names.
protocol CommandWithKeystore: ParsableCommand {
  var keystore: KeystoreOptions { get }
}

/// The keystore of one command over files. It is opened when it is first needed, and unlocked once.
final class SharedKeystore: @unchecked Sendable {
  private let options: KeystoreOptions
  /// Guards `opened` and `keyring`. Only one thread at a time may use a `KeyService`.
  private let lock = NSLock()
  private var opened: Result<KeyService, any Error>?
  private let secrets: PassphraseSource?
  private let leftovers: Leftovers?
  /// One keyring for all threads that open messages: it calls the service on one thread at a time.
  private var keyring: KeystoreKeyring?
  private var check: (@Sendable () throws -> Void)?

  /// `leftovers` is nil unless the run is over many files. With it, audit records are kept back and
  /// written together, at the latest when `leftovers` sees a signal. If `secrets` is nil, the
  /// source of the passphrase is determined when the keystore is opened, for a command that may not
  /// need a keystore.
  init(_ options: KeystoreOptions, secrets: PassphraseSource?, ofManyFiles leftovers: Leftovers?) {
    self.options = options
    self.secrets = secrets
    self.leftovers = leftovers
  }

  /// Reads a passphrase on a descriptor at once: it comes before the data.
  convenience init(_ options: KeystoreOptions, ofManyFiles leftovers: Leftovers?) throws {
    self.init(options, secrets: try options.secrets(), ofManyFiles: leftovers)
  }

  /// Sets a check that runs before a passphrase is asked for. Call this before the keystore is
  /// opened.
  func beforeAsking(_ check: @escaping @Sendable () throws -> Void) { self.check = check }

  func service() throws -> KeyService {
    lock.lock()
    defer { lock.unlock() }
    let service =
      opened
      ?? Result {
        let secrets = try secrets ?? options.secrets()
        secrets.beforeAsking(check)
        let service = try options.service(secrets)
        if let leftovers { service.host.keepRecordsBack(until: leftovers) }
        return service
      }
    opened = service
    return try service.get()
  }

  /// True if a person must be asked for a passphrase before a key can be used.
  func mustAsk() throws -> Bool { try service().host.mustAsk() }

  /// Returns the service for opening messages. The error for a missing keystore does not suggest
  /// `init`: a new keystore opens no messages.
  func serviceToDecrypt() throws -> KeyService {
    do {
      return try service()
    } catch KeystoreError.missing(let path) {
      throw Failure.noKeystoreToDecrypt(path)
    }
  }

  /// Like `mustAsk`, for opening messages.
  func mustAskToDecrypt() throws -> Bool { try serviceToDecrypt().host.mustAsk() }

  /// Returns what the report of a run over files needs. `isNeeded` is true if no file can be
  /// processed without the keystore. `failure` returns the reason why another part of the command
  /// cannot use the keys, if there is one.
  func ofRun(
    isNeeded: Bool, failure: @escaping @Sendable () -> (any Error)? = { nil }
  ) -> RunKeystore {
    RunKeystore(
      obstacle: { self.error ?? failure() }, isNeeded: isNeeded,
      finishRecords: { self.openedService?.finishRecords() ?? true })
  }

  private var error: (any Error)? {
    lock.lock()
    defer { lock.unlock() }
    switch opened {
    case nil: return nil
    case .failure(let error)?: return error
    case .success(let service)?: return service.keystore.unlockingError
    }
  }

  /// Runs `body`, the work of the command. All its uses of keys are in the audit log when this
  /// returns; if that fails, it throws `failure`.
  func recording<Value>(
    orElse failure: Failure = .unrecorded, _ body: () throws -> Value
  ) throws -> Value {
    try KeystoreOptions.recording(openedService, orElse: failure, body)
  }

  private var openedService: KeyService? {
    lock.lock()
    defer { lock.unlock() }
    return try? opened?.get()
  }

  /// Returns a keyring that opens messages under any key of the keystore. Returns none if
  /// `isOptional` is true and there is no keystore: a user who gives a keyring may not have one.
  func keyrings(isOptional: Bool) throws -> [any Keyring] {
    try keyring(isOptional: isOptional).map { [$0] } ?? []
  }

  /// Returns the same keyring alone, or nil if there is none.
  func keyring(isOptional: Bool) throws -> KeystoreKeyring? {
    if isOptional, try FileStatus.at(try options.path()) == nil { return nil }
    let service = try serviceToDecrypt()
    lock.lock()
    defer { lock.unlock() }
    let keyring = keyring ?? KeystoreKeyring(service, unwrappingUnder: nil)
    self.keyring = keyring
    return keyring
  }
}
