import Envelope
import Glibc
import SystemPackage

/// Writes a small output to standard output or to a file.
enum ReportFile {
  /// Throws if the output cannot be made. Call this before a passphrase is asked for, or a key is
  /// used. What changes later is noticed when the output is written.
  static func check(_ options: OutputOptions) throws {
    guard let name = options.output, name != "-" else { return }
    guard !name.hasSuffix("/") else {
      throw Failure(
        .cannotCreate, "\(Text.printable(name)) is the name of a directory",
        hint: "name a file with -o FILE")
    }
    let job = FileJob(
      input: "-", output: FilePath(argument: name), replacesInput: false, place: nil)
    try job.requireUsable(replacing: options.force, toTerminal: .everything, .encrypt)
  }

  static func write(
    _ bytes: [UInt8], to options: OutputOptions, permissions: mode_t?, keystore: KeystoreOptions
  ) throws {
    try write(bytes.span.bytes, to: options, permissions: permissions, keystore: keystore)
  }

  static func write(
    _ bytes: RawSpan, to options: OutputOptions, permissions: mode_t?, keystore: KeystoreOptions
  ) throws {
    guard let name = options.output, name != "-" else {
      let status = try Descriptor.standardOutput.status()
      if status.kind == .regular {
        try keystore.files().check(status, named: "standard output")
      }
      return try DescriptorSink(.standardOutput).write(bytes)
    }
    try check(options)
    let file = try OutputFile(
      FilePath(argument: name), replacing: options.force, permissions: permissions,
      reserved: keystore.files(), leftovers: Leftovers())
    try file.write(bytes)
    try file.commit(synchronizing: !options.noSync)
  }
}
