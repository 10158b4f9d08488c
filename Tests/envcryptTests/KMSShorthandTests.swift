import Foundation
import Testing

@testable import TestSupport
@testable import envcrypt

/// The expected results are those of awscli 1.45's own ShorthandParser.
@Suite struct KMSShorthandTests {
  @Test(arguments: [
    (#"k=v,k2="a,b""#, #"{"k":"v","k2":"a,b"}"#), (#"k='a,b',c=d"#, #"{"c":"d","k":"a,b"}"#),
    (#"k='it\'s',c=d"#, #"{"c":"d","k":"it's"}"#), (#"k="a\\b""#, #"{"k":"a\\b"}"#),
    (#"k='a\\\'b'"#, #"{"k":"a\\'b"}"#), (#"k='a\\'"#, #"{"k":"a\\"}"#),
    (#"k='a\'"#, #"{"k":"a\\"}"#), (#"k="a\"b,c""#, #"{"k":"a\"b,c"}"#),
    (#"k=a\,b,c=d"#, #"{"c":"d","k":"a,b"}"#), (#"k=\,"#, #"{"k":","}"#),
    (#"k=a\\,b"#, #"{"k":"a\\,b"}"#), (#"k=a\b"#, #"{"k":"a\\b"}"#),
    ("a=b,c", #"{"a":["b","c"]}"#), ("a=", #"{"a":""}"#), ("a=,b=c", #"{"a":"","b":"c"}"#),
    ("=x", #"{"":"x"}"#), ("a=[x,y]", #"{"a":["x","y"]}"#), ("a=[ x , y ]", #"{"a":["x","y"]}"#),
    (#"a=[x,"y,z"],b={c=d,e=[f]}"#, #"{"a":["x","y,z"],"b":{"c":"d","e":["f"]}}"#),
    ("a={}", #"{"a":{}}"#), ("a=[]", #"{"a":[]}"#), ("k=[a,]", #"{"k":["a"]}"#),
    ("k=[,a]", #"{"k":["","a"]}"#), ("k=[[a],[b]]", #"{"k":[["a"],["b"]]}"#),
    ("k=[{x=y},{x=z}]", #"{"k":[{"x":"y"},{"x":"z"}]}"#), ("k=[a=b]", #"{"k":["a=b"]}"#),
    ("k={a={b={c=d}}}", #"{"k":{"a":{"b":{"c":"d"}}}}"#),
    ("k={a=,b=c}", #"{"k":{"a":"","b":"c"}}"#), ("k={a = b}", #"{"k":{"a":"b"}}"#),
    ("a = b , c = d", #"{"a":"b","c":"d"}"#), ("k=a b , c=d", #"{"c":"d","k":"a b"}"#),
    ("a=b\n", #"{"a":"b"}"#), ("k=a=b,c=d", #"{"c":"d","k":"a=b"}"#),
    ("k=a,b,c=d,e=f", #"{"c":"d","e":"f","k":["a","b"]}"#),
    (#"k=a,"b,c",d=e"#, #"{"d":"e","k":["a","b,c"]}"#), (#"k="a","b""#, #"{"k":["a","b"]}"#),
    ("k=a,,b=c", #"{"b":"c","k":"a"}"#), ("k=]", #"{"k":"]"}"#), ("k=a,b]", #"{"k":["a","b]"]}"#),
    ("k='',l=x", #"{"k":"","l":"x"}"#), ("k='a' ,l=m", #"{"k":"a","l":"m"}"#),
    ("aws:x/y#.1-_=z", #"{"aws:x/y#.1-_":"z"}"#), ("k=é,l=ü", #"{"k":"é","l":"ü"}"#),
    ("k=a:b/c?d&e>~^|", #"{"k":"a:b/c?d&e>~^|"}"#), ("k@=v", #"{"k":"@v"}"#),
    ("k@=a,l={m@=x},n=y", #"{"k":"@a","l":{"m":"@x"},"n":"y"}"#),
  ])
  func shorthandIsReadAsTheAWSCLIReadsIt(text: String, json: String) throws {
    #expect(try canonical(try KMSShorthand.parse(text)) == json)
  }

  @Test(arguments: [
    ("", "expected '=', found the end"), ("a", "expected '=', found the end"),
    (",a=b", "expected '=', found ',' at character 1"),
    ("a==b", "expected ',', found '=' at character 3"),
    ("é=x", "expected '=', found 'é' at character 1"),
    (#"k="a"b"#, "expected ',', found 'b' at character 6"),
    (#"k=a,b="c"x"#, "expected ',', found 'x' at character 10"),
    (#"k=a"b"#, "expected ',', found '\"' at character 4"),
    (#"k="abc"#, "expected a closing \", found the end"),
    ("a=b,", "expected a value, found the end"), ("k=[a,b", "expected ',', found the end"),
    ("k={a=b", "expected ',', found the end"),
    ("k={a=b}c", "expected ',', found 'c' at character 8"),
    ("k=a}", "expected ',', found '}' at character 4"),
    ("k=a,[b", "expected '=', found '[' at character 5"), ("a=b,a=c", "'a' is given twice"),
    ("k={a=b,a=c}", "'a' is given twice"),
    ("k=" + String(repeating: "[", count: 100_000), "lists and hashes are nested too deeply"),
    (String(repeating: "a={", count: 100_000), "lists and hashes are nested too deeply"),
  ])
  func malformedShorthandIsRefused(text: String, problem: String) {
    #expect(throws: KMSShorthand.SyntaxError(problem: problem)) { try KMSShorthand.parse(text) }
  }

  /// Returns sorted JSON, in which "@" marks a reference.
  private func canonical(_ shorthand: KMSShorthand) throws -> String {
    func object(_ shorthand: KMSShorthand) -> Any {
      switch shorthand {
      case .text(let text, let isReference): isReference ? "@\(text)" : text
      case .list(let items): items.map(object)
      case .hash(let pairs): pairs.mapValues(object)
      }
    }
    let data = try JSONSerialization.data(
      withJSONObject: object(shorthand), options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }
}
