import ArgumentParser

struct KeystoreRequireAuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "require-audit",
    abstract: "Use no key unless the use can be recorded in the audit log.",
    discussion: """
      Without this, a command that cannot write its records does its work all the same, says so, and ends \
      with status 74. With it, each use is in the audit log before anything comes of it: what cannot be \
      recorded is refused, also with status 74, and leaves no output. Files take longer then, since each \
      is a record of its own.

      Only the keystore's owner may change it, and the change is a record too. 'keystore status' shows it. \
      Commands that are at work already go on as they began.

      Examples:
        envcrypt keystore require-audit on
        envcrypt keystore require-audit off
      """)

  enum Choice: String, ExpressibleByArgument, CaseIterable { case on, off }

  @Argument(help: "on or off.")
  var choice: Choice

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.requireAudit(choice == .on) }
  }
}
