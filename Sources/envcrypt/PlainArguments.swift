import ArgumentParser
import Envelope

/// Parses the most common command lines of `encrypt` and `decrypt` without the argument parser. The
/// parser processes every option several times, which takes longer than encrypting a small file.
///
/// Only simple arguments are parsed here: files and common options, each as a separate argument. All
/// the rest is left to the parser: other options and commands, `-qf`, `--output=x`, `--`, help,
/// mistakes. Both give the same result for the same command line; a test compares them.
struct PlainArguments {
  private(set) var files: [String] = []
  private(set) var keys: [String] = []
  private(set) var output: String?
  private(set) var keystore: String?
  private(set) var keyFile: String?
  private(set) var force = false
  private(set) var quiet = false
  private(set) var context: [String] = []
  private(set) var isRecursive = false
  private(set) var isUnsynced = false
  private(set) var jobs: Int?

  /// Returns the command that `arguments` describe, or nil if the parser has to parse them.
  static func command(_ arguments: [String]) -> (any ParsableCommand)? {
    let rest = arguments.dropFirst()
    switch arguments.first {
    case "encrypt": return PlainArguments(rest).map(EncryptCommand.init(plain:))
    case "decrypt": return PlainArguments(rest).map(DecryptCommand.init(plain:))
    default: return nil
    }
  }

  private init?(_ arguments: ArraySlice<String>) {
    var rest = arguments
    while let argument = rest.popFirst() {
      switch argument {
      case "-f", "--force": force = true
      case "-q", "--quiet": quiet = true
      case "-R", "--recursive": isRecursive = true
      case "--no-sync": isUnsynced = true
      case "-o", "--output":
        guard output == nil, let value = Self.popValue(&rest) else { return nil }
        output = value
      case "--keystore":
        guard keystore == nil, let value = Self.popValue(&rest) else { return nil }
        keystore = value
      case "--key-file":
        guard keyFile == nil, let value = Self.popValue(&rest) else { return nil }
        keyFile = value
      case "-k", "--key":
        guard let value = Self.popValue(&rest) else { return nil }
        keys.append(value)
      case "-c", "--context", "--encryption-context":
        guard let value = Self.popValue(&rest), ContextOptions.isText(value) else { return nil }
        context.append(value)
      case "-j", "--jobs":
        guard jobs == nil, let value = Self.popValue(&rest), let number = Int(value),
          ParallelOptions.range.contains(number)
        else { return nil }
        jobs = number
      default:
        guard Self.isValue(argument) else { return nil }
        files.append(argument)
      }
    }
  }

  private static func popValue(_ arguments: inout ArraySlice<String>) -> String? {
    guard let value = arguments.popFirst(), isValue(value) else { return nil }
    return value
  }

  /// True if the argument cannot be an option.
  private static func isValue(_ argument: String) -> Bool {
    argument == "-" || !argument.isEmpty && argument.utf8.first != UInt8(ascii: "-")
  }
}

// Set every property: without the parser, its property wrappers have no value.

extension EncryptCommand {
  fileprivate init(plain: PlainArguments) {
    self.init()
    inputs = InputOptions(plain: plain)
    filter = .none
    excludeCaches = false
    wrapping = WrappingOptions(plain: plain)
    keyring = .none
    context = ContextOptions(plain: plain)
    output = OutputOptions(plain: plain)
    attributes = .none
    naming = .standard
    updating = .none
    removing = .none
    deleting = .none
    sign = false
    armor = false
    frameLength = UInt32(FrameLength.standard.bytes)
    parallel = ParallelOptions(plain: plain)
    report = ReportOptions(plain: plain)
    json = .none
    keystore = KeystoreOptions(plain: plain)
  }
}

extension DecryptCommand {
  fileprivate init(plain: PlainArguments) {
    self.init()
    inputs = InputOptions(plain: plain)
    filter = .none
    output = OutputOptions(plain: plain)
    attributes = .none
    naming = .standard
    updating = .none
    removing = .none
    stdout = false
    options = DecryptionOptions(plain: plain)
    sparse = false
    offset = nil
    length = nil
    ignoreSignature = false
    parallel = ParallelOptions(plain: plain)
    report = ReportOptions(plain: plain)
    json = .none
  }
}

extension WrappingOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    keys = plain.keys
    recipients = []
    recipientLists = []
  }
}

extension DecryptionOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    keystore = KeystoreOptions(plain: plain)
    keys = plain.keys
    keyring = .none
    acceptance = AcceptanceOptions(plain: plain)
  }
}

extension AcceptanceOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    context = ContextOptions(plain: plain)
    commitmentPolicy = .requireEncryptRequireDecrypt
    maxEncryptedDataKeys = HeaderLimits.standard.encryptedDataKeys
    unsignedOnly = false
  }
}

extension ParallelOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    jobs = plain.jobs
  }
}

extension InputOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    files = plain.files
    recursive = plain.isRecursive
    filesFrom = nil
    nullSeparated = false
  }
}

extension OutputOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    output = plain.output
    force = plain.force
    noSync = plain.isUnsynced
  }
}

extension FilterOptions {
  fileprivate static var none: FilterOptions {
    var options = FilterOptions()
    (options.excluding, options.including) = ([], [])
    (options.excludingFiles, options.includingFiles) = ([], [])
    options.isOneFileSystem = false
    return options
  }
}

extension NamingOptions {
  fileprivate static var standard: NamingOptions {
    var options = NamingOptions()
    options.suffix = NameSuffix.standard.argument
    return options
  }
}

extension ReportOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    progress = false
    quiet = plain.quiet
  }
}

extension JSONOptions {
  fileprivate static var none: JSONOptions {
    var options = JSONOptions()
    options.json = false
    return options
  }
}

extension KeystoreOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    keystore = plain.keystore
    passphraseFile = nil
    passphraseDescriptor = nil
    keyFile = plain.keyFile
  }
}

extension AttributeOptions {
  fileprivate static var none: AttributeOptions {
    var options = AttributeOptions()
    options.xattrs = false
    return options
  }
}

extension KeyringOptions {
  fileprivate static var none: KeyringOptions {
    var options = KeyringOptions()
    options.files = []
    return options
  }
}

extension ContextOptions {
  fileprivate init(plain: PlainArguments) {
    self.init()
    pairs = plain.context
  }
}

extension RemovalOptions {
  fileprivate static var none: RemovalOptions {
    var options = RemovalOptions()
    options.rm = false
    return options
  }
}

extension UpdateOptions {
  fileprivate static var none: UpdateOptions {
    var options = UpdateOptions()
    options.update = false
    options.dryRun = false
    options.print0 = false
    return options
  }
}

extension DeletionOptions {
  fileprivate static var none: DeletionOptions {
    var options = DeletionOptions()
    options.delete = false
    options.maxDelete = nil
    return options
  }
}
