import Envelope
import Foundation
import KMSKeystore
import SystemPackage

/// A reader of the files that `--recipient` and `--recipients-file` name.
enum RecipientFile {
  private static let limit = 1 << 20

  /// Returns a keyring for each key in a file of public keys. Warns of certificates that are not
  /// valid now: their keys work all the same, and a backup must not fail on such a day.
  static func keyrings(_ path: FilePath) throws -> [any Keyring] {
    let recipients = try about(path) {
      try Recipient.all(parsing: try read(path, as: "a public key"))
    }
    for recipient in recipients { warn(of: recipient, in: path) }
    return recipients.map(\.keyring)
  }

  /// Returns a keyring for each recipient of a list. Names of files are relative to the directory
  /// of the list. Throws if there is no recipient in it.
  static func keyrings(list path: FilePath) throws -> [any Keyring] {
    let entries = try about(path) {
      try Recipient.list(parsing: try read(path, as: "a list of recipients"))
    }
    guard !entries.isEmpty else {
      throw Failure(.configuration, "\(Text.printable(path)): there are no recipients in this list")
    }
    let directory = path.removingLastComponent()
    return try entries.flatMap { entry -> [any Keyring] in
      switch entry {
      case .recipient(let recipient):
        warn(of: recipient, in: path)
        return [recipient.keyring]
      case .file(let name, let line):
        let name = FilePath(argument: ArgumentBytes.string(from: name))
        do {
          return try keyrings((directory.isEmpty ? "." : directory).pushing(name))
        } catch {
          throw Failure(error).about("\(Text.printable(path)), line \(line)")
        }
      }
    }
  }

  /// Adds the name of the file to an error in its contents.
  private static func about<Value>(_ path: FilePath, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as CryptoError {
      throw Failure(error).about(Text.printable(path))
    }
  }

  /// A private key in the wrong place is wiped after use, like any other.
  private static func read(_ path: FilePath, as noun: String) throws -> SecretBytes {
    let bytes = try SmallFile.readSecret(path, limit: limit)
    try SmallFile.refuse(NoKeyMaterial(bytes), at: path, as: noun)
    return bytes
  }

  private static func warn(of recipient: Recipient, in path: FilePath) {
    guard let validity = recipient.validity else { return }
    let now = Int(Date().timeIntervalSince1970)
    let problem: String
    if let end = validity.end, end < now {
      problem = "the certificate expired on \(day(end))"
    } else if let begin = validity.begin, begin > now {
      problem = "the certificate is not valid before \(day(begin))"
    } else {
      return
    }
    let place = recipient.place.map { ": \($0)" } ?? ""
    Console().warning(
      "\(Text.printable(path))\(place): \(problem); its key is a recipient all the same",
      hint: "ask its owner if the private key is still there: without it, the message stays closed")
  }

  private static func day(_ seconds: Int) -> String {
    String(Text.day(Date(timeIntervalSince1970: TimeInterval(seconds))).prefix(10))
  }
}
