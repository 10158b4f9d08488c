import Testing

@testable import Envelope

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
}
