import Foundation
import Testing

@testable import TestSupport

/// Runs the recipes of docs/recipes.md as they are on the page, with the real programs.
@Suite struct RecipesTests {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("recipes")
  static let runner = directory.appendingPathComponent("run").path

  static let names: [String] = {
    let listed = try? BuiltTool.run(["bash", runner])
    return listed?.output.split(separator: "\n").map(String.init) ?? []
  }()

  /// Each recipe of the page has a file with its preparations, and each file a recipe.
  @Test func everyRecipeIsTested() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path)
    #expect(Self.names.count >= 10)
    #expect(Set(files) == Set(Self.names.map { "\($0).sh" } + ["run"]))
  }

  @Test(arguments: names)
  func theRecipeWorks(name: String) throws {
    let result = try BuiltTool.run(["bash", Self.runner, name])
    #expect(result.status == 0, "\(name):\n\(result.output.suffix(3000))")
    BuiltTool.showSkipped(in: result.output, of: name)
  }
}
