/// The advice of `init`: what a person must not lose.
struct InitAdvice {
  /// The protector as `--protector` names it.
  let protector: String

  /// The text, and the commands that make the copies.
  var text: [String] {
    let secret: String? =
      if protector == "passphrase" {
        "write the passphrase down and keep it elsewhere"
      } else if protector.hasPrefix("key-file:") {
        "keep a copy of the key file \(protector.dropFirst("key-file:".count)) elsewhere"
      } else {
        nil
      }
    return (secret.map { ["\($0): nobody can open the keystore without it"] } ?? [])
      + ["keep a backup of the keystore, and its exported keys, elsewhere: both open your files"]
  }

  let commands = [
    "envcrypt keystore backup keystore-backup.db",
    "envcrypt key export --all -o escrow.json",
  ]

  func tell(on console: Console) {
    guard !console.isQuiet else { return }
    for line in text { console.note(Text.printable(line)) }
    for command in commands { console.hint(command) }
  }
}
