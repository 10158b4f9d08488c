import Testing

@testable import envcrypt

@Suite struct CommandPathTests {
  private static func words(_ line: String) -> [String] {
    line.split(separator: " ").map(String.init)
  }

  @Test(arguments: [
    ("", ""), ("encrypt", "encrypt"), ("encrypt key", "encrypt"), ("key", "key"),
    ("key --help", "key"), ("key rotation enable x", "key rotation enable"), ("--help foo", ""),
    ("kms foo", "kms"),
  ])
  func theFirstArgumentsNameACommand(line: String, name: String) throws {
    #expect(try CommandPath(Envcrypt.self, in: Self.words(line)).name == name)
  }

  @Test(arguments: [
    ("encrpt", "unknown command 'encrpt'; did you mean 'encrypt'?", "envcrypt help"),
    ("foo --help", "unknown command 'foo'", "envcrypt help"),
    ("key crate", "unknown command 'crate'; did you mean 'create'?", "envcrypt help key"),
    ("key rotation foo", "unknown command 'foo'", "envcrypt help key rotation"),
  ])
  func anyOtherWordIsRefused(line: String, message: String, help: String) throws {
    let failure = #expect(throws: Failure.self) {
      try CommandPath(Envcrypt.self, in: Self.words(line))
    }
    #expect(failure?.message == message)
    #expect(failure?.hint == "\(help) lists the commands")
    #expect(failure?.status == .usage)
  }

  @Test(arguments: [
    ("help", "help"), ("help key create", "help key create"), ("key help", "help key"),
    ("key help create", "help key create"), ("key rotation help list", "help key rotation list"),
    ("help kms", "help kms"), ("help kms encrypt", "kms encrypt help"),
    ("kms help encrypt", "kms help encrypt"), ("encrypt help", "encrypt help"),
    ("encrypt -o help", "encrypt -o help"), ("help --help", "help --help"),
  ])
  func helpComesFirst(line: String, rewritten: String) throws {
    #expect(
      try CommandPath.helpFirst(Self.words(line), of: Envcrypt.self) == Self.words(rewritten))
  }

  @Test(arguments: ["help foo", "help key foo", "key help foo", "help encrypt foo"])
  func helpForNothingIsRefused(line: String) {
    #expect(throws: Failure.self) {
      try CommandPath.helpFirst(Self.words(line), of: Envcrypt.self)
    }
  }
}
