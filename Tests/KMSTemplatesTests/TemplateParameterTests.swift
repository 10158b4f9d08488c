import Testing

@testable import KMSTemplates
@testable import TestSupport

@Suite struct TemplateParameterTests {
  private func text(_ declaration: String) -> String {
    "Parameters: {P: {\(declaration)}}\nResources: {k: {Type: 'AWS::KMS::Key'}}\n"
      + "Outputs: {o: {Value: !Ref P}}"
  }

  @Test(
    arguments: [
      ("Type: String", "", ""), ("Type: String", "a,b", "a,b"),
      ("Type: Number", "-1.5e3", "-1.5e3"),
      ("Type: String, AllowedValues: [a, 1]", "1", "1"),
      ("Type: String, AllowedPattern: '[a-z]+'", "abc", "abc"),
      ("Type: String, MinLength: 2, MaxLength: '3'", "ab", "ab"),
      ("Type: Number, MinValue: 2, MaxValue: 2.5", "2.5", "2.5"),
      ("Type: String, Default: 1", nil, "1"), ("Type: String, Default: 1", "2", "2"),
    ] as [(String, String?, String)])
  func valuesThatAreAllowed(declaration: String, given: String?, expected: String) throws {
    let evaluator = try made(
      evaluator(text(declaration), parameters: given.map { ["P": $0] } ?? [:]))
    #expect(try evaluator.outputs()[0].value == expected)
    #expect(evaluator.parameters == ["P": expected])
  }

  @Test(
    arguments: [
      ("Type: String", nil, "1:14 parameter 'P' has no default, and no value was given"),
      ("Type: Number", "a", "parameter 'P' must be a number, not 'a'"),
      ("Type: Number", "0x10", "parameter 'P' must be a number, not '0x10'"),
      ("Type: Number", "inf", "parameter 'P' must be a number, not 'inf'"),
      ("Type: Number", "", "parameter 'P' must be a number, not ''"),
      ("Type: List<Number>", "1, b", "parameter 'P' must be a number, not 'b'"),
      ("Type: String, AllowedValues: [a, b]", "c", "parameter 'P' must be one of a, b, not 'c'"),
      (
        "Type: CommaDelimitedList, AllowedValues: [a, b]", "a,c",
        "parameter 'P' must be one of a, b, not 'c'"
      ),
      (
        "Type: String, AllowedPattern: '[a-z]'", "ab",
        "parameter 'P' must match [a-z], and 'ab' does not"
      ),
      ("Type: String, MinLength: 2", "a", "parameter 'P' must have at least 2 characters, not 1"),
      ("Type: String, MaxLength: 2", "abc", "parameter 'P' must have at most 2 characters, not 3"),
      ("Type: Number, MinValue: 2", "1.9", "parameter 'P' must be at least 2, not '1.9'"),
      ("Type: Number, MaxValue: 2.5", "3", "parameter 'P' must be at most 2.5, not '3'"),
      (
        "Type: String, MaxLength: 2, ConstraintDescription: be short", "abc",
        "parameter 'P' must have at most 2 characters, not 3: be short"
      ),
      (
        "Type: Number, NoEcho: true", "secret",
        "parameter 'P' must be a number, not the value given"
      ),
      (
        "Type: String", String(repeating: "x", count: 4097),
        "parameter 'P' must have at most 4096 bytes, not 4097"
      ),
    ] as [(String, String?, String)])
  func valuesThatAreNot(declaration: String, given: String?, expected: String) throws {
    let found = try problem(text(declaration), parameters: given.map { ["P": $0] } ?? [:])
    #expect(found == expected)
  }

  @Test(arguments: [
    ("Default: a", "1:14 parameter 'P' has no Type"),
    (
      "Type: 'AWS::EC2::VPC::Id'",
      "1:24 the type AWS::EC2::VPC::Id of parameter 'P' is not supported, String, Number, CommaDelimitedList, List<Number> are"
    ),
    (
      "Type: String, Defualt: a",
      "1:32 unknown property 'Defualt' of parameter 'P'; did you mean 'Default'?"
    ),
    ("Type: Number, Default: a", "1:41 the default of parameter 'P' must be a number, not 'a'"),
    ("Type: String, Default: [a]", "1:41 Default of parameter 'P' must be text, not a list"),
    ("Type: String, Default: !Ref k", "1:41 Default of parameter 'P' must be text, not Ref"),
    (
      "Type: String, AllowedPattern: '['",
      "1:48 AllowedPattern of parameter 'P' is not a regular expression"
    ),
    (
      "Type: String, MinLength: -1",
      "1:43 MinLength of parameter 'P' must be a number of characters"
    ),
    ("Type: String, NoEcho: 1", "1:40 NoEcho of parameter 'P' must be true or false"),
    ("Type: Number, MinValue: a", "1:42 MinValue of parameter 'P' must be a number"),
  ])
  func declarationsThatAreWrong(declaration: String, expected: String) throws {
    let found = try problem(text(declaration))
    #expect(found == expected)
  }

  /// A pattern that backtracks through every way to divide the text.
  @Test func patternsWithoutEndAreGivenUp() {
    let text = String(repeating: "a", count: 22)
    #expect(PatternMatch.matches(text + "b", "(a+)+$", within: .milliseconds(50)) == nil)
    #expect(PatternMatch.matches(text, "(a+)+$") == true)
    #expect(PatternMatch.matches("b", "(a+)+$") == false)
  }

  @Test func unknownParametersAreRefused() throws {
    #expect(
      try problem(text("Type: String, Default: a"), parameters: ["p": "x"])
        == "the template has no parameter 'p'; did you mean 'P'?")
  }

  @Test func secretValuesAreNotRecorded() throws {
    let evaluator = try evaluator(
      text("Type: String, NoEcho: 'true'"), parameters: ["P": "secret"])
    #expect(evaluator.parameters.isEmpty)
    #expect(evaluator.template.parameters[0].isSecret)
  }
}
