import Foundation
import Testing

@testable import TestSupport

/// The tool together with other programs (the reference SDK, moto, PostgreSQL) and with large
/// files.
@Suite struct InteropTests {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("peers")
  static let python = ProcessInfo.processInfo.environment["ENVCRYPT_TEST_PYTHON"]
  static let python4 = ProcessInfo.processInfo.environment["ENVCRYPT_TEST_PYTHON4"]
  static let moto = ProcessInfo.processInfo.environment["ENVCRYPT_TEST_MOTO"]

  private func expectSuccess(_ arguments: [String]) throws {
    let result = try BuiltTool.run(arguments)
    #expect(result.status == 0, "\(result.output.suffix(3000))")
    BuiltTool.showSkipped(in: result.output, of: arguments[1])
  }

  @Test func ciHasEverything() {
    #expect(
      !BuiltTool.isCI
        || (Self.python != nil && Self.python4 != nil && Self.moto != nil && Self.hasPostgres))
  }

  /// Messages in both directions between the tool and the Python AWS Encryption SDK, and the
  /// README's recovery script.
  @Test(.enabled(if: python != nil, "needs the Python aws-encryption-sdk: run make test"))
  func referenceSDK() throws {
    try expectSuccess([
      try #require(Self.python), Self.directory.appendingPathComponent("interop.py").path,
      BuiltTool.repository.appendingPathComponent("docs/recover.py").path,
    ])
  }

  /// Elliptic-curve keys, which the Python SDK supports from version 4, and their recovery script.
  @Test(.enabled(if: python4 != nil, "needs the Python aws-encryption-sdk 4: run make test"))
  func referenceSDKWithEllipticCurveKeys() throws {
    try expectSuccess([
      try #require(Self.python4), Self.directory.appendingPathComponent("interop_ecdh.py").path,
      BuiltTool.repository.appendingPathComponent("docs/recover_ecdh.py").path,
    ])
  }

  /// An escrow file with a passphrase, opened by the documented script.
  @Test(
    .enabled(if: python != nil, "needs the Python aws-encryption-sdk: run make test"),
    arguments: [python, python4].compactMap { $0 })
  func escrowWithAPassphrase(python: String) throws {
    try expectSuccess([
      python, Self.directory.appendingPathComponent("interop_escrow.py").path,
      BuiltTool.repository.appendingPathComponent("docs/open_escrow.py").path,
    ])
  }

  /// Every operation of `envcrypt kms` checked against botocore's model of the KMS API, and its
  /// results against the Python cryptography package.
  @Test(.enabled(if: python != nil, "needs the Python botocore and cryptography: run make test"))
  func modelOfTheKMSAPI() throws {
    try expectSuccess([
      try #require(Self.python), "-B", Self.directory.appendingPathComponent("kms_shapes.py").path,
    ])
  }

  /// The same templates create the same keys and aliases when moto's CloudFormation and KMS apply
  /// them.
  @Test(.enabled(if: moto != nil, "needs the Python moto: run make test"))
  func templatesAppliedByMoto() throws {
    try expectSuccess([
      try #require(Self.moto), "-B", Self.directory.appendingPathComponent("templates.py").path,
      BuiltTool.repository.appendingPathComponent("Tests/TestSupport/example.yaml").path,
    ])
  }

  static let hasPostgres =
    (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql"))?.isEmpty == false

  /// A database dump is encrypted in a pipe, decrypted and restored.
  @Test(.enabled(if: hasPostgres, "needs PostgreSQL"))
  func postgresDump() throws {
    try expectSuccess(["bash", Self.directory.appendingPathComponent("postgres.sh").path])
  }

  /// A file of 2 GiB and thousands of files survive a round trip in bounded memory.
  @Test func largeFileAndTree() throws {
    try expectSuccess(["bash", Self.directory.appendingPathComponent("big.sh").path])
  }

  /// The README shows exactly the script that `referenceSDK` runs.
  @Test func readmeShowsTheRecoveryScript() throws {
    func text(_ path: String) throws -> String {
      try String(
        contentsOf: BuiltTool.repository.appendingPathComponent(path), encoding: .utf8)
    }
    #expect(try text("README.md").contains("```python\n" + text("docs/recover.py") + "```"))
  }
}
