import Foundation
import Testing

@testable import TestSupport

/// Runs the built tool in shell scripts, each in its own directory.
@Suite struct CommandLineTests {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

  static let cases: [String] = {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: directory.appendingPathComponent("cases").path)
    return (names ?? []).filter { $0.hasSuffix(".sh") }.sorted()
  }()

  @Test func thereAreCases() {
    #expect(Self.cases.count >= 20)
  }

  @Test(arguments: cases)
  func scriptPasses(name: String) throws {
    let prelude = Self.directory.appendingPathComponent("prelude.sh").path
    let script = Self.directory.appendingPathComponent("cases/\(name)").path
    let result = try BuiltTool.run([
      "bash", "-eu", "-o", "pipefail", "-c", "source \"$1\"; set -x; source \"$2\"", "case",
      prelude, script,
    ])
    #expect(result.status == 0, "\(name):\n\(result.output.suffix(3000))")
    BuiltTool.showSkipped(in: result.output, of: name)
  }
}
