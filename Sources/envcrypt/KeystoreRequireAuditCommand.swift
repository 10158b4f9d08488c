import ArgumentParser

struct KeystoreRequireAuditCommand: CommandWithKeystore {
  static let configuration = CommandConfiguration(
    commandName: "require-audit",
    abstract: "Refuse each use of a key that cannot be recorded in the audit log.",
    discussion: """
      If this is off, a command that cannot write its audit records still does its work, then \
      reports an error and exits with status 74. If it is on, each use of a key is recorded before \
      its result is written. A use that cannot be recorded is refused, also with status 74, and \
      leaves no output. Files then take longer, because each needs a record of its own.

      Only the keystore's owner may change this setting, and the change is recorded too. 'keystore \
      status' shows the setting. Commands that are already running keep the old setting.

      Examples:
        envcrypt keystore require-audit on
        envcrypt keystore require-audit off
      """)

  enum Choice: String, ExpressibleByArgument, CaseIterable { case on, off }

  @Argument(help: "The new setting.")
  var choice: Choice

  @OptionGroup var keystore: KeystoreOptions

  func run() throws {
    try keystore.withService { try $0.requireAudit(choice == .on) }
  }
}
