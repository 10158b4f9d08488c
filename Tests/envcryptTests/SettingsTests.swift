import Glibc
import SystemPackage
import Testing

@testable import TestSupport
@testable import envcrypt

/// The settings in a configuration file.
@Suite struct SettingsTests {
  private static let path: FilePath = "/home/ann/.config/envcrypt/config.toml"

  private static func read(_ text: String, home: FilePath? = "/home/ann") throws -> ConfigSettings {
    try ConfigSettings(Array(text.utf8), of: path, home: home)
  }

  @Test func everySettingIsRead() throws {
    let settings = try Self.read(
      """
      # comment
      keystore = "keys/a.db"
      key = ["alias/a", 'alias/b']
      key-file = "/media/usb/key"
      jobs = 4
      passphrase-command = "pass show \\"envcrypt\\""
      """)
    #expect(settings.keystore?.value == "/home/ann/.config/envcrypt/keys/a.db")
    #expect(settings.keystore?.line == 2)
    #expect(settings.keys?.value == ["alias/a", "alias/b"])
    #expect(settings.keyFile?.value == "/media/usb/key")
    #expect(settings.jobs?.value == 4 && settings.jobs?.line == 5)
    #expect(settings.passphraseCommand?.value == "pass show \"envcrypt\"")
    #expect(settings.passphraseFile == nil)
    let others = try Self.read("passphrase-file = '../p'\nkey = 'alias/a b,c'\n")
    #expect(others.passphraseFile?.value == "/home/ann/.config/envcrypt/../p")
    #expect(others.keys?.value == ["alias/a b,c"])
    #expect(others.keystore == nil && others.jobs == nil)
  }

  @Test(
    arguments: [
      ("~/k.db", "/home/ann/k.db"), ("~", "/home/ann"), ("~/", "/home/ann"), ("/k.db", "/k.db"),
      ("./~k", "/home/ann/.config/envcrypt/./~k"), ("a b", "/home/ann/.config/envcrypt/a b"),
    ] as [(String, FilePath)])
  func pathsAreRelativeToTheFile(text: String, wanted: FilePath) throws {
    #expect(try Self.read("keystore = '\(text)'").keystore?.value == wanted)
  }

  @Test(arguments: [
    ("keystor = 'a'", "1: unknown setting 'keystor'; did you mean 'keystore'?"),
    ("\nkey_file = 'a'", "2: unknown setting 'key_file'; did you mean 'key-file'?"),
    ("recipient = 'a'", "1: unknown setting 'recipient'"), ("\"\" = 1", "1: unknown setting ''"),
    ("\"a\\u001B[2J\" = 1", "1: unknown setting 'a\\u{1b}[2J'"),
    ("keystore = 1", "1: keystore must be a string, not an integer"),
    ("keystore = ['a']", "1: keystore must be a string, not an array"),
    ("key = true", "1: key must be a string or an array of strings, not a boolean"),
    ("key = []", "1: key is an empty array"), ("key = ['a', '']", "1: key is empty"),
    ("keystore = ''", "1: keystore is empty"),
    ("passphrase-command = \"a\\u0000\"", "1: passphrase-command contains a NUL character"),
    ("jobs = '4'", "1: jobs must be an integer, not a string"),
    ("jobs = 0", "1: jobs must be 1 to 1024"), ("jobs = 1025", "1: jobs must be 1 to 1024"),
    ("jobs = -1", "1: jobs must be 1 to 1024"),
    ("keystore = '~bob/a'", "1: keystore begins with '~' and a name"),
    ("[keystore]", "1: tables are not supported here"),
    ("jobs = 1\njobs = 2", "2: 'jobs' is already in line 1"),
    (
      "passphrase-file = 'a'\npassphrase-command = 'b'",
      "2: passphrase-file and passphrase-command cannot be used together"
    ),
  ])
  func faultsNameTheLine(text: String, wanted: String) throws {
    let failure = try #require(throws: Failure.self) { try Self.read(text) }
    #expect(failure.status == .configuration)
    #expect(failure.message.hasPrefix("\(Self.path):\(wanted)"), "\(failure.message)")
  }

  @Test func withoutHomeThereIsNoTilde() throws {
    #expect(throws: Failure.self) { try Self.read("keystore = '~/a'", home: nil) }
    #expect(try Self.read("keystore = '/a'", home: nil).keystore?.value == "/a")
  }

  @Test func onlyTheOwnersFileIsRead() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("config.toml")
    #expect(try ConfigFile.read(path) == nil)
    #expect(try ConfigFile.read(path.appending("below")) == nil)
    try write(Array("jobs = 1".utf8), to: path)
    for mode: mode_t in [0o400, 0o600, 0o644, 0o755] {
      #expect(chmod(path.string, mode) == 0)
      #expect(try ConfigFile.read(path) == Array("jobs = 1".utf8))
    }
    for mode: mode_t in [0o620, 0o602, 0o666, 0o777] {
      #expect(chmod(path.string, mode) == 0)
      let failure = try #require(throws: Failure.self) { try ConfigFile.read(path) }
      #expect(failure.status == .configuration && failure.hint == "chmod go-w -- \(path)")
    }
  }
}
