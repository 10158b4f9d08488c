import Testing

@testable import Envelope
@testable import KMSPolicy
@testable import TestSupport

@Suite struct PolicyPatternTests {
  let caller = PolicyPrincipal(userName: "alice", isOwner: false)

  @Test(arguments: [
    ("", "", true), ("", "a", false), ("*", "", true), ("?", "", false), ("a*", "a", true),
    ("*a", "aba", true), ("a*b*c", "abcbc", true), ("a*b*c", "abcb", false), ("?*?", "a", false),
    ("?*?", "ab", true), ("*ab", "aab", true), ("*ab*", "aacab", true), ("a?c", "abc", true),
    ("a?c", "ac", false), ("*é", "é", true), ("?", "e\u{301}", false), ("??", "e\u{301}", true),
    ("é", "e\u{301}", false), ("*aa*", "a", false), ("a**b", "ab", true), ("*b?", "abb", true),
    ("*b?*", "ab", false),
  ])
  func wildcards(pattern: String, text: String, matches: Bool) throws {
    let parsed = try PolicyPattern(pattern, as: .init(hasWildcards: true))
    #expect(parsed.matches(text, for: caller) == matches)
  }

  @Test(arguments: [
    ("home/${aws:username}", "home/a*e", true), ("home/${aws:username}", "home/alce", false),
    ("${AWS:UserName}?", "a*ex", true), ("${*}", "*", true), ("${*}", "x", false),
    ("a${$}{x}", "a${x}", true), ("${?}*", "?xyz", true), ("$*", "$5", true),
  ])
  func variables(pattern: String, text: String, matches: Bool) throws {
    let caller = PolicyPrincipal(userName: "a*e", isOwner: false)
    let parsed = try PolicyPattern(pattern, as: .init(hasWildcards: true, hasVariables: true))
    #expect(parsed.matches(text, for: caller) == matches)
  }

  @Test func variablesAreTextInTheEarlierVersion() throws {
    let statement = Policies.statement(
      condition: #"{"StringEquals": {"kms:EncryptionContext:User": "${aws:username}"}}"#)
    for (version, user, isAllowed) in [
      ("2012-10-17", "alice", true), ("2012-10-17", "${aws:username}", false),
      ("2008-10-17", "alice", false), ("2008-10-17", "${aws:username}", true),
    ] {
      let policy = try KeyPolicy(
        parsing: #"{"Version": "\#(version)", "Statement": \#(statement)}"#)
      let request = try Policies.request("Encrypt") {
        $0.setEncryptionContext(try Policies.context(("User", user)))
      }
      #expect(policy.decide(request).isAllowed == isAllowed, "\(version) \(user)")
    }
  }

  @Test func wildcardsOfARNsDoNotReachOverColons() throws {
    let pattern = "arn:aws:someservice:*:111122223333:finance/*"
    let text =
      "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
    let parsed = try PolicyPattern(pattern, as: .init(hasWildcards: true))
    #expect(parsed.matches(text, for: caller))
    #expect(!parsed.matchesARN(text, for: caller))
    #expect(
      parsed.matchesARN("arn:aws:someservice:x:111122223333:finance/a:b", for: caller))
  }

  @Test(arguments: [
    ("arn:aws:iam::000000000000:user/a", "a"), ("arn:aws:iam::000000000000:user/x/a", "a"),
  ])
  func userNames(arn: String, name: String) throws {
    #expect(try PolicyPrincipal(arn: arn, isOwner: false).userName == name)
  }

  @Test(arguments: [
    "alice", "arn:aws:iam::000000000000:user/", "arn:aws:iam::000000000000:root",
    "arn:aws:iam::111122223333:user/a", "arn:aws:iam::000000000000:user/a/",
  ])
  func whoIsNoUser(arn: String) {
    #expect(throws: PolicyError.malformed("'\(arn)' is not arn:aws:iam::000000000000:user/NAME")) {
      try PolicyPrincipal(arn: arn, isOwner: true)
    }
  }

  // MARK: As the plainest way would match

  /// A simple matcher for comparison. `*` matches nothing, or one scalar and then again `*`.
  private static func plainly(_ parts: [Character], _ text: [Character]) -> Bool {
    var reached = Set([0])
    func closed(_ places: Set<Int>) -> Set<Int> {
      var all = places
      for place in parts.indices where parts[place] == "*" && all.contains(place) {
        all.insert(place + 1)
      }
      return all
    }
    for character in text {
      var next: Set<Int> = []
      for place in closed(reached) where place < parts.count {
        if parts[place] == "*" { next.insert(place) }
        if parts[place] == "?" || parts[place] == character { next.insert(place + 1) }
      }
      reached = next
    }
    return closed(reached).contains(parts.count)
  }

  private func words(of letters: String, upTo length: Int) -> [[Character]] {
    var all: [[Character]] = [[]]
    var last = all
    for _ in 0..<length {
      last = last.flatMap { word in letters.map { word + [$0] } }
      all += last
    }
    return all
  }

  @Test func everySmallPattern() throws {
    let texts = words(of: "ab", upTo: 5)
    for pattern in words(of: "ab*?", upTo: 4) {
      let parsed = try PolicyPattern(String(pattern), as: .init(hasWildcards: true))
      for text in texts {
        #expect(
          parsed.matches(String(text), for: caller) == Self.plainly(pattern, text),
          "\(String(pattern)) \(String(text))")
      }
    }
  }

  /// Pieces with more characters than a word of the search has bits.
  @Test(arguments: 0..<60)
  func longPieces(seed: UInt64) throws {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let pieces = (0..<1 + next(3)).map { _ in
      (0..<50 + next(100)).map { _ in ["a", "a", "a", "?", "b"][next(5)] as Character }
    }
    let pattern = pieces.reduce(["*"] as [Character]) { $0 + $1 + ["*"] }
    let parsed = try PolicyPattern(String(pattern), as: .init(hasWildcards: true))
    // A text that matches. In every other test one character is changed.
    var text = pieces.flatMap { piece in
      Array(repeating: "a" as Character, count: next(80)) + piece.map { $0 == "?" ? "b" : $0 }
    }
    if seed % 2 == 1 { text[next(text.count)] = "c" }
    #expect(parsed.matches(String(text), for: caller) == Self.plainly(pattern, text))
    if seed % 2 == 0 { #expect(parsed.matches(String(text), for: caller)) }
  }
}
