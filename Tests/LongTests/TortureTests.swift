import Foundation
import Testing

@testable import TestSupport

/// The quick part of `make torture`: runs the built tool under injected faults and checks every
/// file afterwards. docs/torture.md lists the faults.
@Suite struct TortureTests {
  @Test func quickChoiceOfEveryFault() throws {
    let script = BuiltTool.repository.appendingPathComponent("Tests/Torture/run").path
    let result = try BuiltTool.run(["python3", "-B", script, "--quick"])
    #expect(result.status == 0, "\(result.output.suffix(5000))")
    #expect(result.output.contains(" 0 lost") || result.output.contains("SKIPPED"))
    BuiltTool.showSkipped(in: result.output, of: "Torture")
  }
}
