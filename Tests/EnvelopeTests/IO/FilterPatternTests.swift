import SystemPackage
import Testing

@testable import Envelope

/// A pattern with what it must match and what not. A slash at the end of a path marks a directory.
struct PatternCase: CustomTestStringConvertible, Sendable {
  let pattern: String
  let matching: [String]
  let others: [String]

  init(_ pattern: String, _ matching: [String], not others: [String]) {
    (self.pattern, self.matching, self.others) = (pattern, matching, others)
  }

  var testDescription: String { pattern }
}

@Suite struct FilterPatternTests {
  private static let manual = [
    // A name, anywhere; with a slash in front, only at the root of the transfer.
    PatternCase(
      "foo", ["foo", "foo/", "a/foo", "a/b/foo/"], not: ["foobar", "xfoo", "foo/a", "Foo"]),
    PatternCase("/foo", ["foo", "foo/"], not: ["a/foo", "foo/a", "foob"]),
    PatternCase("/foo/bar", ["foo/bar", "foo/bar/"], not: ["bar", "a/foo/bar", "foo/bar/x"]),
    // A slash at the end: directories only.
    PatternCase("foo/", ["foo/", "a/foo/"], not: ["foo", "a/foo", "foo/x"]),
    PatternCase("/foo/bar/", ["foo/bar/"], not: ["foo/bar", "x/foo/bar/"]),
    PatternCase("*/", ["a/", "a/b/"], not: ["a", "a/b"]),
    // Wildcards do not match a slash, ** does.
    PatternCase("*.o", ["x.o", "a/x.o", ".o", "a/.o/"], not: ["x.oo", "x.o/y", "xo"]),
    PatternCase("*", ["a", "a/b", "a/b/"], not: []),
    PatternCase("/*", ["a", "a/"], not: ["a/b"]),
    PatternCase("a?c", ["abc", "x/a.c"], not: ["ac", "a/c", "abbc"]),
    PatternCase("foo/*/bar", ["foo/x/bar", "y/foo/x/bar/"], not: ["foo/bar", "foo/x/y/bar"]),
    PatternCase(
      "foo/**/bar", ["foo/x/bar", "foo/x/y/bar", "a/foo/x/bar/"], not: ["foo/bar", "bar"]),
    PatternCase("**/bar", ["bar", "a/bar", "a/b/bar/"], not: ["xbar", "bar/x"]),
    PatternCase("**bar", ["bar", "xbar", "a/xbar", "a/b/bar"], not: ["bar/x"]),
    PatternCase("/foo/**", ["foo/x", "foo/x/y/"], not: ["foo", "foo/", "a/foo/x"]),
    PatternCase("foo/**", ["foo/x", "a/foo/x/y"], not: ["foo", "foo/", "xfoo/y"]),
    PatternCase(
      "foo**bar", ["foobar", "foo/x/bar", "a/foo/bar", "a/foox/bar"], not: ["xfoobar", "foo"]),
    // The directory and everything in it.
    PatternCase(
      "foo/***", ["foo/", "foo/x", "a/foo/", "a/foo/x/y"], not: ["foo", "a/foo", "xfoo/"]),
    PatternCase("/foo/***", ["foo/", "foo/x", "foo/x/y"], not: ["foo", "a/foo/", "a/foo/x"]),
    PatternCase("***", ["a", "a/", "a/b"], not: []),
    // A slash inside: the end of the path.
    PatternCase("sub/foo", ["sub/foo", "a/sub/foo/"], not: ["foo", "xsub/foo", "sub/foo/x"]),
    PatternCase("sub/*.c", ["sub/x.c", "a/sub/.c"], not: ["sub/a/x.c", "x.c"]),
    // Character sets.
    PatternCase("[a-c]x", ["ax", "d/cx"], not: ["dx", "x", "abx"]),
    PatternCase("[!a-c]x", ["dx", "-x"], not: ["ax", "x", "a/x"]),
    PatternCase("[^a-c]x", ["dx"], not: ["bx"]),
    PatternCase("[]a]x", ["]x", "ax"], not: ["bx"]),
    PatternCase("[!]a]x", ["bx"], not: ["]x", "ax"]),
    PatternCase("[a-]x", ["ax", "-x"], not: ["bx"]),
    PatternCase("[-a]x", ["ax", "-x"], not: ["bx"]),
    PatternCase("[a-c-e]x", ["bx", "-x", "ex"], not: ["dx"]),
    PatternCase("[[:digit:]_]x", ["1x", "_x"], not: ["ax", ":x"]),
    PatternCase("[[:upper:][:space:]]x", ["Ax", " x"], not: ["ax"]),
    PatternCase("[[:x]a", ["[a", ":a", "xa"], not: ["ya"]),
    PatternCase("[\\]]x", ["]x"], not: ["\\x"]),
    PatternCase("[\\\\-^]x", ["\\x", "]x", "^x"], not: ["[x"]),
    PatternCase("a[/]b", [], not: ["a/b"]),
    PatternCase("[!x]b", ["ab"], not: ["xb", "x/b"]),
    // A backslash escapes only if there is a wildcard.
    PatternCase("foo\\bar", ["foo\\bar"], not: ["foobar"]),
    PatternCase("foo\\\\bar*", ["foo\\bar", "foo\\barx"], not: ["foobar", "foo\\\\bar"]),
    PatternCase("foo\\*", ["foo*"], not: ["foox", "foo\\*"]),
    PatternCase("foo\\?x*", ["foo?x"], not: ["fooax"]),
    PatternCase("\\[x]*", ["[x]", "[x]y"], not: ["x"]),
    // Patterns that cannot match.
    PatternCase("[a", [], not: ["[a", "a"]), PatternCase("[[:nothing:]]", [], not: ["a", ":"]),
    PatternCase("a[", [], not: ["a[", "a"]), PatternCase("*\\", [], not: ["a", "a\\"]),
    PatternCase("//foo", [], not: ["foo", "a/foo"]), PatternCase("/", [], not: ["a", "a/"]),
  ]

  @Test(arguments: manual)
  func matchesAsTheManualSays(one: PatternCase) {
    let pattern = FilterPattern(Array(one.pattern.utf8))
    for path in one.matching { #expect(pattern.matches(FilterPath(text: path)), "\(path)") }
    for path in one.others { #expect(!pattern.matches(FilterPath(text: path)), "\(path)") }
  }

  @Test func namesAreBytes() {
    let name: [UInt8] = [0xFF, 0x0A, 0xC3]
    let path = FilterPath([0x61, 0x2F] + name, isDirectory: false)
    #expect(FilterPattern(name).matches(path))
    #expect(FilterPattern([0x5B, 0xF0, 0x2D, 0xFF, 0x5D, 0x3F, 0x3F]).matches(path))
    #expect(!FilterPattern(Array("??".utf8)).matches(path))
  }

  /// With backtracking, each of these takes longer than the age of the universe.
  @Test(arguments: [
    String(repeating: "*a", count: 60) + "b", String(repeating: "**a", count: 60) + "b",
    String(repeating: "*a**", count: 60) + "b", "x" + String(repeating: "**/*a", count: 60) + "b",
    String(repeating: "[a-z]*", count: 60) + "[!a]", String(repeating: "a**?", count: 60) + "b",
    // The end of these is not plain, so that it alone decides nothing.
    String(repeating: "*a", count: 60) + "[b]", String(repeating: "**a", count: 60) + "[b]",
    String(repeating: "*a**", count: 60) + "[b]",
    "x" + String(repeating: "**/*a", count: 60) + "[b]",
    String(repeating: "a**?", count: 60) + "[b]", String(repeating: "*a", count: 60) + "[b]*",
  ])
  func hostilePatternsTakeLittleTime(pattern: String) {
    let pattern = FilterPattern(Array(pattern.utf8))
    let flat = String(repeating: "a", count: 300)
    let deep = String(repeating: "aaa/", count: 100) + "a"
    for path in [flat, deep] {
      #expect(!pattern.matches(FilterPath(Array(path.utf8), isDirectory: false)))
    }
  }

  /// Whatever the pattern and the path are: each byte is compared with each step once at most.
  @Test(arguments: ["*a", "**a", "*a**", "**/*a", "[a-z]*", "a**?", "*?**[a]"])
  func comparisonsAreAtMostTheProductOfBothLengths(piece: String) {
    for (count, length) in [(1, 10), (10, 10), (60, 300), (120, 600)] {
      let pattern = FilterPattern(Array((String(repeating: piece, count: count) + "[b]").utf8))
      let flat = String(repeating: "a", count: length)
      let deep = String(repeating: "aa/", count: length / 3) + "a"
      for path in [flat, deep] {
        var comparisons = 0
        let isMatch = pattern.matches(
          FilterPath(Array(path.utf8), isDirectory: false), counting: &comparisons)
        #expect(!isMatch)
        #expect(comparisons > 0)
        #expect(comparisons <= (pattern.stepCount + 1) * (length + 2))
      }
    }
  }

  @Test(arguments: [("[a", true), ("[[:x:]]", true), ("*\\", true), ("[a]", false), ("a\\", false)])
  func tellsPatternsThatCannotMatch(pattern: String, isHopeless: Bool) {
    #expect(FilterPattern(Array(pattern.utf8)).isHopeless == isHopeless)
  }
}

/// The first rule that matches decides.
@Suite struct FilterRulesTests {
  @Test(arguments: [
    // Only C sources, in all directories; and in one directory.
    (["+ */", "+ *.c", "- *"], ["a.c", "d/a.c", "d/"], ["a.o", "d/a"]),
    (["+ foo/", "+ foo/bar.c", "- *"], ["foo/", "foo/bar.c"], ["bar.c", "foo/x", "x/"]),
    // A directory whose parents are taken step by step.
    (
      ["+ /some/", "+ /some/path/", "+ /some/path/this", "- *"], ["some/path/this"],
      ["some/x", "x"]
    ),
    (["+ /some/path/***", "- x"], ["some/path/", "some/path/x"], ["x"]),
    (["a", "+ b", "b", "+ a"], ["b", "c"], ["a", "d/a"]),
    (["- + x", "+ - y", "- *y"], ["- y", "x"], ["+ x", "y"]),
    (["a", "!", "b"], ["a"], ["b"]), (["!x", "- !"], ["x"], ["!x", "!"]), ([], ["a"], []),
  ])
  func theFirstMatchDecides(rules: [String], taken: [String], excluded: [String]) throws {
    var filter = FilterRules()
    for rule in rules { try filter.add(rule.utf8, isExcluding: true) }
    for path in taken { #expect(!filter.excludes(FilterPath(text: path)), "\(path)") }
    for path in excluded { #expect(filter.excludes(FilterPath(text: path)), "\(path)") }
  }

  @Test func filesHaveCommentsAndEmptyLines() throws {
    var filter = FilterRules()
    let file = "# a\n\n;b\r\n\r- c\n+ d.c\n*.c\n #e"
    try filter.add(file: Array(file.utf8), isExcluding: true)
    for path in ["a", ";b", "# a", "d.c", "#e"] {
      #expect(!filter.excludes(FilterPath(text: path)))
    }
    for path in ["c", "x.c", " #e"] { #expect(filter.excludes(FilterPath(text: path))) }
    var including = FilterRules()
    try including.add(file: Array("a\n- b\n!\nc\n- *".utf8), isExcluding: false)
    #expect(including.excludes(FilterPath(text: "a")))
    #expect(!including.excludes(FilterPath(text: "c")))
  }

  @Test(arguments: ["", "- ", "+ "])
  func aRuleHasAPattern(rule: String) {
    var filter = FilterRules()
    #expect(throws: FilterRules.EmptyRule.self) { try filter.add(rule.utf8, isExcluding: true) }
  }

  @Test(arguments: [
    ("", "a.x", false, true), ("", "a", false, true), ("", "b/a.x", false, true),
    ("a", "", true, true),
    ("r", "a.x", false, true), ("", "a.x", true, false), ("", ".x", false, false),
    ("", "a/.x", false, false), ("a.x", "", true, false), ("", "", true, false),
  ])
  func rulesDoNotSeeTheSuffixOfMessages(
    root: String, relative: String, isDirectory: Bool, isExcluded: Bool
  ) throws {
    var selection = TreeSelection()
    try selection.rules.add("a".utf8, isExcluding: true)
    let filter = TreeFilter(selection, root: FilePath(root), suffix: Array(".x".utf8))
    #expect(filter.excludes(FilePath(relative), isDirectory: isDirectory) == isExcluded)
  }
}

extension FilterPath {
  init(text: String) {
    self.init(
      text.hasSuffix("/") ? Array(text.utf8.dropLast()) : Array(text.utf8),
      isDirectory: text.hasSuffix("/"))
  }
}
