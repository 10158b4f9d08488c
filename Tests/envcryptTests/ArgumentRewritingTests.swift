import ArgumentParser
import Testing

@testable import envcrypt

@Suite struct ArgumentRewritingTests {
  private func rewrite(_ line: String) throws -> String {
    let arguments = line.split(separator: " ").map(String.init)
    let path = try CommandPath(Envcrypt.self, in: arguments)
    let rewritten = try ArgumentRewriting.rewrite(arguments[path.length...], of: path.last)
    return (arguments[..<path.length] + rewritten).joined(separator: " ")
  }

  @Test(arguments: [
    ("encrypt -j4 a", "encrypt -j=4 a"), ("encrypt -oout a", "encrypt -o=out a"),
    ("encrypt -kalias/x a", "encrypt -k=alias/x a"), ("decrypt -ca=b a", "decrypt -c=a=b a"),
    ("encrypt -fqoout a", "encrypt -f -q -o=out a"), ("encrypt -fo out a", "encrypt -f -o out a"),
    ("encrypt -o=out a", "encrypt -o=out a"), ("encrypt -fo=out a", "encrypt -f -o=out a"),
    ("encrypt -o- a", "encrypt -o=- a"), ("encrypt -o-x a", "encrypt -o=-x a"),
    ("encrypt -R0 a", "encrypt -R -0 a"), ("key grant create k -ca=b", "key grant create k -c=a=b"),
  ])
  func shortOptionsAttach(line: String, rewritten: String) throws {
    #expect(try rewrite(line) == rewritten)
    _ = try? Envcrypt.parse(line.split(separator: " ").map(String.init))
  }

  @Test(arguments: [
    "encrypt a -o b", "encrypt -- -j4", "encrypt - -f", "encrypt -x4 a", "encrypt -fy a",
    "encrypt -f=x a", "encrypt --output=-j4 a", "encrypt -fj", "encrypt --j4", "key list --json",
    "key policy simulate k --action a --action b", "encrypt -k a -k b -c a=b -c c=d -r x -r y",
    "encrypt -f -f -q -q a", "template apply f --parameters a b --parameter-overrides c d",
    "verify -- --key-id x", "key list --key-id x", "key describe --key-id",
    "key describe --key-id=-x", "keystore status --key-spec x",
  ])
  func everythingElseStays(line: String) throws {
    let stays = try rewrite(line)
    #expect(
      stays == line
        || stays == line.replacing("-fj", with: "-f -j"))
  }

  @Test(arguments: [
    ("key describe --key-id k", "key describe k"), ("key describe --key-id=k", "key describe k"),
    ("key describe --json --key-id k", "key describe k --json"),
    ("key create --key-spec RSA_2048 --key-usage x", "key create --spec RSA_2048 --usage x"),
    ("key create --key-spec=RSA_2048", "key create --spec=RSA_2048"),
    ("key create --tags a=b c=d --json", "key create --tag a=b --tag c=d --json"),
    ("key tag --tags a=b c=d --key-id k", "key tag k a=b c=d"),
    ("key tag --key-id k a=b", "key tag k a=b"),
    ("key untag --key-id k --tag-keys a b --keystore s", "key untag k a b --keystore s"),
    ("alias create --target-key-id k --alias-name a", "alias create a k"),
    ("alias create a --target-key-id k", "alias create a k"),
    ("key policy put f --key-id k", "key policy put k f"),
    ("key policy put --key-id k -- -f", "key policy put k -- -f"),
    ("key grant retire --grant-id g --key-id k", "key grant retire k g"),
    (
      "key grant create --key-id k --grantee-principal p --operations A B",
      "key grant create k --grantee p --operations A B"
    ),
    ("data-key generate --key-id k --number-of-bytes 8", "data-key generate --key k --bytes 8"),
    ("encrypt --key-id k --encryption-context a=b f", "encrypt --key k --context a=b f"),
    (
      "key schedule-deletion --key-id k --pending-window-in-days 7",
      "key schedule-deletion k --days 7"
    ),
    ("keystore audit --key-id k", "keystore audit --key k"),
  ])
  func theNamesOfTheAWSCLIAreTaken(line: String, rewritten: String) throws {
    #expect(try rewrite(line) == rewritten)
  }

  @Test(arguments: [
    ("encrypt -o a -o b", "--output"), ("encrypt -oa --output b", "--output"),
    ("encrypt --output=a -fob", "--output"), ("decrypt --offset 1 --offset 2 f", "--offset"),
    ("key create --spec RSA_2048 --key-spec RSA_2048", "--spec"),
    ("key describe --key-id a --key-id b", "--key-id"), ("verify -j 1 --jobs 2", "--jobs"),
  ])
  func anOptionWithOneValueIsGivenOnce(line: String, name: String) throws {
    let failure = #expect(throws: Failure.self) { try rewrite(line) }
    #expect(failure?.message == "\(name) is given more than once")
    #expect(failure?.status == .usage)
  }

  @Test func argumentsThatAreNoTextStay() throws {
    let carrier = "\u{10FEFF}"
    #expect(
      try ArgumentRewriting.rewrite(["-o\(carrier)", "-\(carrier)x", ""], of: EncryptCommand.self)
        == ["-o=\(carrier)", "-\(carrier)x", ""])
  }

  @Test func everySpellingBelongsToACommand() throws {
    let commands = Self.leaves(of: Envcrypt.self)
    #expect(commands.count > 40)
    let signatures = commands.map(CommandSignature.init)
    for spelling in AWSSpelling.all {
      #expect(
        signatures.contains { signature in
          spelling.names.contains { name in
            signature.index(ofOption: "--\(name)") != nil
              || signature.positionals.contains { $0.valueName == name }
          }
        }, "\(spelling.option)")
    }
  }

  /// The quick check of `ArgumentRewriting` relies on this.
  @Test func theNamesOfAnOptionBeginWithTheSameLetter() {
    for command in Self.leaves(of: Envcrypt.self) {
      for argument in CommandSignature(command).arguments where argument.kind == .option {
        #expect(Set((argument.names ?? []).compactMap(\.name.first)).count == 1, "\(command)")
      }
    }
  }

  private static func leaves(
    of command: any ParsableCommand.Type
  ) -> [any ParsableCommand.Type] {
    let parts = command.configuration.subcommands
    return parts.isEmpty ? [command] : parts.flatMap(leaves)
  }
}
