import SystemPackage

/// A use of standard input by an option or as data. Only one can have it: the first reader takes all.
struct StandardInputUse {
  /// The name in messages.
  let name: String

  /// Throws if standard input has several uses.
  static func check(_ uses: [StandardInputUse]) throws {
    guard uses.count > 1 else { return }
    throw Failure(
      .usage, "\(uses[0].name) and \(uses[1].name) cannot both be standard input",
      hint: "name a file for one of them")
  }

  /// Returns the uses among the values of an option.
  static func among(_ values: [String], of option: String) -> [StandardInputUse] {
    values.filter { FilePath(argument: $0).namesStandardInput }.map { _ in Self(name: option) }
  }
}

extension InputOptions {
  /// Throws if these options would read standard input twice. A passphrase on standard input may
  /// come before the data, but not before a list or a key.
  func checkStandardInput(
    _ filter: FilterOptions, _ keyring: KeyringOptions, _ keystore: KeystoreOptions,
    wrapping: WrappingOptions? = nil
  ) throws {
    let lists =
      StandardInputUse.among(filesFrom.map { [$0] } ?? [], of: "--files-from")
      + filter.standardInputUses
      + StandardInputUse.among(wrapping?.recipients ?? [], of: "--recipient")
      + StandardInputUse.among(wrapping?.recipientLists ?? [], of: "--recipients-file")
      + StandardInputUse.among(keyring.files, of: "--keyring")
    let isImplied = files.isEmpty && filesFrom == nil && !recursive
    let data = StandardInputUse.among(isImplied ? ["-"] : files, of: "the input")
    let passphrase =
      (keystore.passphraseDescriptor == 0 ? [StandardInputUse(name: "--passphrase-fd")] : [])
      + StandardInputUse.among(keystore.passphraseFile.map { [$0] } ?? [], of: "--passphrase-file")
    try StandardInputUse.check(lists + data.prefix(1))
    try StandardInputUse.check(lists + passphrase)
  }
}

extension FilterOptions {
  fileprivate var standardInputUses: [StandardInputUse] {
    StandardInputUse.among(excludingFiles.map(\.text), of: "--exclude-from")
      + StandardInputUse.among(includingFiles.map(\.text), of: "--include-from")
  }
}

extension FilePath {
  /// True if the path names standard input, by whatever name.
  fileprivate var namesStandardInput: Bool {
    guard namesDescriptor else { return false }
    return self == "-" || ["stdin", "0"].contains(lexicallyNormalized().lastComponent?.string)
  }
}
