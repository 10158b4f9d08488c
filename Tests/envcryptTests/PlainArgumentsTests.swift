import Testing

@testable import envcrypt

/// Arguments that are read without the argument parser have the same result as with the parser.
@Suite struct PlainArgumentsTests {
  private static let operands: [[String]] = [
    [], ["a"], ["a", "b"], ["-"], ["help"], ["encrypt"], ["a b", "\u{10FEFF}", "é=1"],
  ]
  private static let options: [[String]] = [
    [], ["-q"], ["--quiet", "-f"], ["-f", "-f"], ["--force", "-o", "out"], ["-o", "-"],
    ["--output", "dir/out"], ["--keystore", "ks.db"], ["--key-file", "k", "--keystore", "x y"],
    ["-k", "alias/a", "--key", "alias/b"], ["-k", "-"], ["-R"], ["--recursive", "--no-sync"],
    ["-c", "a=b", "--context", "c=d,e=f"], ["--encryption-context", "a=b"], ["-j", "4"],
    ["--jobs", "1024"], ["-c", "no pair"],
  ]

  @Test(arguments: ["encrypt", "decrypt"], options)
  func plainLinesReadAlike(command: String, options: [String]) throws {
    for operands in Self.operands {
      for line in [[command] + options + operands, [command] + operands + options] {
        let plain = try #require(PlainArguments.command(line), "\(line)")
        #expect("\(plain)" == "\(try Envcrypt.parse(line))", "\(line)")
      }
    }
  }

  @Test(arguments: [
    [], ["help"], ["verify", "a"], ["encrypt", "--help"], ["encrypt", "-h"], ["encrypt", "-qf"],
    ["encrypt", "--output=x"], ["encrypt", "-ox"], ["encrypt", "--", "a"], ["encrypt", "-o"],
    ["encrypt", "-o", "-q"], ["encrypt", "-o", ""], ["encrypt", ""], ["encrypt", "--version"],
    ["encrypt", "-o", "a", "-o", "b"], ["encrypt", "--keystore", "a", "--keystore", "b"],
    ["encrypt", "-r", "a.pem"], ["decrypt", "--unsigned-only", "a"], ["encrypt", "-j", "0"],
    ["encrypt", "-j", "1025"], ["encrypt", "-j", "x"], ["encrypt", "-j", "1", "--jobs", "1"],
    ["encrypt", "--suffix", ".x", "a"], ["decrypt", "--stdout", "a"], ["encrypt", "-j4"],
    ["encrypt", "-c", "a=\u{10FEFF}"], ["encrypt", "-c"],
    ["encrypt", "-\u{301}"],
  ])
  func everythingElseIsForTheParser(line: [String]) {
    #expect(PlainArguments.command(line) == nil)
  }
}
