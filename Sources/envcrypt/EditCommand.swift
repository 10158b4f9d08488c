import ArgumentParser
import Envelope
import SystemPackage

struct EditCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract: "Change the plaintext of a message in an editor.",
    discussion: """
      Opens the plaintext in $VISUAL, else $EDITOR, else vi, and encrypts it again when the editor \
      ends. The message stays under its keys, in their current versions, and keeps its encryption \
      context, armor, frame length, owner and mode; it is signed if it was. If the text did not \
      change or the editor fails, the message stays as it is.

      The plaintext is in memory only: in a directory of $XDG_RUNTIME_DIR or /dev/shm that only you \
      may read, and that is removed with everything in it. If the new message cannot be written, the \
      text is kept there, and an error names it.

      If the file does not exist, it becomes a message under the given keys, or under alias/default. \
      If you write no text, no message is made.

      Examples:
        envcrypt edit db.env.envc
        envcrypt edit -k alias/team -c app=db new.env.envc      a new message
        EDITOR='vim -n -i NONE' envcrypt edit notes.txt.envc    no copies by vim elsewhere

      Editors may keep copies of a text in places of their own: swap, undo and history files. \
      docs/secrets.md has more about that.
      """)

  /// The most bytes of a plaintext.
  static let sizeLimit = 64 << 20

  @Argument(help: ArgumentHelp("The message.", valueName: "file"), completion: .file())
  var file: String

  @OptionGroup var naming: NamingOptions
  @OptionGroup var wrapping: WrappingOptions
  @OptionGroup var keyring: KeyringOptions
  @OptionGroup var acceptance: AcceptanceOptions

  @Flag(help: "Sign a new message.")
  var sign = false

  @Flag(name: [.short, .long], help: "Write a new message as text.")
  var armor = false

  @Flag(help: SyncHelp.text)
  var noSync = false

  @Flag(name: [.short, .long], help: "Print only warnings and errors.")
  var quiet = false

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    let path = FilePath(argument: file)
    guard path != "-" else {
      throw Failure(.usage, "standard input cannot be edited", hint: "name a file")
    }
    let leftovers = Leftovers()
    leftovers.watch()
    let store = try SharedKeystore(keystore, ofManyFiles: nil)
    try store.recording {
      if try FileStatus.at(path)?.kind == .directory { throw FileRuleError.isDirectory(path) }
      let (place, existing) = try FilePlace.following(path)
      let keys = try keys(of: place, existing, store)
      try EditedMessage(
        place: place, existing: existing, suffix: naming.value, reserved: keystore.files(),
        leftovers: leftovers,
        synchronizes: !noSync, console: keystore.console(isQuiet: quiet), keys: keys
      ).edit()
    }
  }

  private func keys(
    of place: FilePlace, _ existing: FileStatus?, _ store: SharedKeystore
  ) throws -> EditedMessage.Keys {
    let scheduler = Scheduler()
    let opening = try keyring.keyrings()
    guard let existing else {
      try refuseMissingSuffix(place)
      let encryptor = MessageEncryptor(
        keyrings: try wrapping.keyrings(besides: opening, keystore: store.service),
        encryptionContext: try acceptance.context.encryptionContext(),
        suite: sign ? .signing : .standard, scheduler: scheduler)
      return EditedMessage.Keys(message: nil, encryptor: encryptor, isArmored: armor)
    }
    guard wrapping.areEmpty, !armor, !sign else {
      throw Failure(
        .usage,
        "\(Text.printable(place.path)) exists: it keeps its keys, its armor and its signature",
        hint: "envcrypt reencrypt changes the keys and the signature")
    }
    let decryptor = try acceptance.decryptor(
      MultiKeyring(opening, others: { try store.keyrings(isOptional: !opening.isEmpty) }),
      scheduler)
    let message: OpenedMessage
    do {
      message = try decryptor.open(DescriptorSource(try Self.open(place, existing)))
    } catch {
      throw Failure(error, namingFile: place.path)
    }
    let kept = KeptKeys(
      keyrings: opening, keystore: { try store.keyring(isOptional: !opening.isEmpty) })
    let encryptor = try MessageReencryptor(keeping: kept, scheduler: scheduler)
      .encryptor(for: message)
    return EditedMessage.Keys(
      message: message, encryptor: encryptor, isArmored: message.isArmored)
  }

  private static func open(_ place: FilePlace, _ existing: FileStatus) throws -> Descriptor {
    switch existing.kind {
    case .directory: throw FileRuleError.isDirectory(place.path)
    case .symbolicLink, .other: throw FileRuleError.notARegularFile(place.path)
    case .regular: return try Descriptor.openInput(place, foundAs: existing)
    }
  }

  /// Throws if the user has probably left out the suffix of a message that exists.
  private func refuseMissingSuffix(_ place: FilePlace) throws {
    let path = naming.value.appended(to: place.path)
    guard try FileStatus.at(path) != nil else { return }
    throw Failure(
      .noInput, "there is no \(Text.printable(place.path))",
      hint: "envcrypt edit -- \(Text.shellQuoted(path))")
  }
}
