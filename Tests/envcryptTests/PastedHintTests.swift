import ArgumentParser
import Testing

@testable import envcrypt

/// Commands in hints name the keystore that the user named, in the place where they take options.
@Suite struct PastedHintTests {
  @Test(arguments: [
    ("envcrypt key list shows the keys", "envcrypt key list --keystore k.db shows the keys"),
    (
      "'envcrypt keystore check' names it", "'envcrypt keystore check --keystore k.db' names it"
    ),
    (
      "base64 -d FILE | envcrypt decrypt", "base64 -d FILE | envcrypt decrypt --keystore k.db"
    ),
    (
      "a: envcrypt keystore check; or: envcrypt key cancel-deletion X",
      "a: envcrypt keystore check --keystore k.db; or: "
        + "envcrypt key cancel-deletion --keystore k.db X"
    ),
    (
      "envcrypt kms get-parameters-for-import makes one",
      "envcrypt kms get-parameters-for-import --keystore k.db makes one"
    ),
    (
      "name it with --keystore; envcrypt init makes a new one",
      "name it with --keystore; envcrypt init --keystore k.db makes a new one"
    ),
  ])
  func aCommandThatUsesTheKeystoreNamesIt(hint: String, text: String) {
    #expect(PastedHint.text(hint, keystore: "k.db") == text)
  }

  @Test(arguments: [
    "envcrypt keystore backup --keystore other.db FILE", "envcrypt inspect FILE shows the context",
    "envcrypt help key shows what the command takes", "a later envcrypt may read it",
    "run envcrypt outside of the user namespace", "~/src/envcrypt key list", "chmod 600 -- k.db",
    "",
    "envcrypt ", "envcrypt key", "envcrypt template validate FILE",
  ])
  func everythingElseStays(hint: String) {
    #expect(PastedHint.text(hint, keystore: "k.db") == hint)
  }

  /// The failures of such a command are rendered with its keystore.
  @Test func everyCommandWithTheOptionHasAKeystore() {
    func commands(below command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
      [command] + command.configuration.subcommands.flatMap(commands)
    }
    let all = commands(below: Envcrypt.self).filter {
      CommandSignature($0).index(ofOption: "--keystore") != nil
    }
    #expect(all.count > 50)
    for command in all { #expect(command is any CommandWithKeystore.Type, "\(command)") }
  }
}
