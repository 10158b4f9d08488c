import SystemPackage

extension FilePath {
  /// True if the path names a descriptor that is already open, and so has no name for an output:
  /// `-`, `/dev/stdin`, and what a shell puts in the place of `<(command)`.
  var namesDescriptor: Bool {
    if self == "-" { return true }
    let isLikely = withPlatformString { $0[0] == CChar(UInt8(ascii: "/")) }
    guard isLikely else { return false }
    let parts = lexicallyNormalized().components.map(\.string)
    switch parts.first {
    case "dev": return parts == ["dev", "stdin"] || Self.isNumber(parts, after: ["dev", "fd"])
    case "proc" where parts.count == 4:
      let isProcess = ["self", "thread-self"].contains(parts[1]) || Self.isNumber(parts[1])
      return isProcess && parts[2] == "fd" && Self.isNumber(parts[3])
    default: return false
    }
  }

  private static func isNumber(_ parts: [String], after start: [String]) -> Bool {
    parts.count == start.count + 1 && parts.starts(with: start) && isNumber(parts[start.count])
  }

  private static func isNumber(_ part: String) -> Bool {
    part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
