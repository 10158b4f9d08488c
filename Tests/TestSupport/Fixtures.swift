import Foundation
import Glibc
import SystemPackage

@testable import Envelope
@testable import KMSKeystore

/// Returns deterministic bytes without a repetition that could hide errors.
func patternBytes(_ count: Int) -> [UInt8] {
  var state: UInt32 = 0x1234_5678
  return (0..<count).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return UInt8(state >> 24)
  }
}

func hexadecimal(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8).filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)!
  }
}

extension SecretBytes {
  init(_ bytes: [UInt8]) { self.init(copying: bytes.span.bytes) }

  var exposed: [UInt8] { withBytes { bytes in bytes.withUnsafeBytes { Array($0) } } }
}

extension KeyringFile {
  init(parsing bytes: [UInt8]) throws { try self.init(parsing: SecretBytes(bytes)) }
}

extension Recipient {
  static func keyrings(pem: String) throws -> [any Keyring] {
    try all(parsing: SecretBytes(Array(pem.utf8))).map(\.keyring)
  }
}

extension SecretText: ExpressibleByStringLiteral {
  /// Makes a text that is not secret.
  public convenience init(stringLiteral text: String) { self.init(text) }
}

/// Returns the processor time of the calling thread, for operations that must be fast. Unlike
/// elapsed time, it does not depend on the load of the machine.
func threadTime() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Returns an AES keyring with a fixed key.
func testKeyring(name: String = "test", byte: UInt8 = 7) throws -> RawAESKeyring {
  RawAESKeyring(
    providerID: "tests", keyName: name,
    wrappingKey: try WrappingKey(bytes: SecretBytes([UInt8](repeating: byte, count: 32))))
}

/// A directory that is removed when the test ends.
final class TemporaryDirectory {
  let path: FilePath

  /// Tests check file modes, which must not depend on the caller's umask.
  private static let usualUmask: Void = { _ = umask(0o022) }()

  init() throws {
    Self.usualUmask
    let url = BuiltTool.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path.string).sorted()) ?? []
  }
}

func contents(_ path: FilePath) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path.string)))
}

func write(_ bytes: [UInt8], to path: FilePath) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path.string))
}

/// Secrets that a test provides.
final class TestSecrets: UnlockingSecrets, @unchecked Sendable {
  var keyFile: FilePath?
  var text: String?
  private(set) var timesAsked = 0

  init(passphrase: String? = nil, keyFile: FilePath? = nil) {
    text = passphrase
    self.keyFile = keyFile
  }

  func passphrase() -> SecretBytes? {
    timesAsked += 1
    return text.map { SecretBytes(Array($0.utf8)) }
  }
}
