/// A pattern of a filter rule, with the meaning that rsync gives to patterns.
///
/// A pattern with a slash in front is compared with the whole path. Any other pattern is compared
/// with as many components at the end of the path as it has itself, and with `**` in it, with every
/// end of the path. The time for a comparison is at most the product of both lengths.
package struct FilterPattern: Sendable {
  /// The part of a path that a pattern is compared with.
  private enum Scope: Equatable {
    case name
    case path
    /// The last components of the path, as many as given.
    case end(components: Int)
    /// The path, or what follows any slash in it.
    case anyEnd
  }

  private let steps: [FilterStep]
  private let scope: Scope
  private let isForDirectories: Bool
  /// True if the pattern begins with `**`, which also stands for the empty start of a path.
  private let takesSlashBefore: Bool
  /// True if the pattern ends in `***`: it also matches the directory itself.
  private let takesSlashAfter: Bool
  /// False if the pattern contains a star: paths of different lengths can match.
  private let hasFixedLength: Bool
  /// The number of steps at the end that are plain bytes.
  private let plainEnd: Int

  private static let slash = UInt8(ascii: "/")

  /// `text` is not empty.
  package init(_ text: [UInt8]) {
    let isWild = text.contains { FilterStep.wildcards.contains($0) }
    var rest = text[...]
    isForDirectories = rest.count > 1 && rest.last == Self.slash
    if isForDirectories { rest.removeLast() }
    let slashes = rest.count { $0 == Self.slash }
    let isAnchored = rest.first == Self.slash
    let stars = UInt8(ascii: "*")
    let hasDoubleStar = zip(rest, rest.dropFirst()).contains { $0 == stars && $1 == stars }
    takesSlashBefore = rest.starts(with: [stars, stars])
    takesSlashAfter = rest.suffix(3).elementsEqual([stars, stars, stars])
    if isAnchored {
      rest.removeFirst()
      scope = .path
    } else if takesSlashBefore {
      scope = .path
    } else if hasDoubleStar {
      scope = .anyEnd
    } else {
      scope = slashes == 0 ? .name : .end(components: slashes + 1)
    }
    steps = isWild ? FilterStep.steps(of: rest) : rest.map { .byte($0) }
    hasFixedLength = !steps.contains(where: \.isStar)
    plainEnd = steps.reversed().prefix(while: \.isPlain).count
  }

  /// True if no path can match, because a `[` has no `]`.
  package var isHopeless: Bool { steps.contains(.nothing) }

  package func matches(_ path: FilterPath) -> Bool {
    var comparisons = 0
    return matches(path, counting: &comparisons)
  }

  /// The number of steps.
  var stepCount: Int { steps.count }

  /// Like `matches`, and adds the number of times that all steps were gone through for a byte,
  /// multiplied by their number: the time that the comparison takes.
  func matches(_ path: FilterPath, counting comparisons: inout Int) -> Bool {
    if isForDirectories, !path.isDirectory { return false }
    guard let text = text(of: path), hasPlainEnd(text) else { return false }
    if hasFixedLength, scope != .anyEnd {
      comparisons += steps.count
      return text.count == steps.count && zip(steps, text).allSatisfy { $0.takes($1) }
    }
    return text.withUnsafeBufferPointer { runs(over: $0, counting: &comparisons) }
  }

  /// The bytes that the pattern is compared with; nil if the path has too few components.
  private func text(of path: FilterPath) -> ArraySlice<UInt8>? {
    let all = path.bytes
    let end = takesSlashAfter && path.isDirectory ? all.endIndex : all.endIndex - 1
    switch scope {
    case .name: return all[path.nameStart..<end]
    case .path, .anyEnd: return all[(takesSlashBefore ? 0 : 1)..<end]
    case .end(let components):
      var left = components
      for index in all[..<(all.endIndex - 1)].indices.reversed() where all[index] == Self.slash {
        left -= 1
        if left == 0 { return all[(index + 1)..<end] }
      }
      return nil
    }
  }

  private func hasPlainEnd(_ text: ArraySlice<UInt8>) -> Bool {
    text.count >= plainEnd
      && zip(steps.suffix(plainEnd), text.suffix(plainEnd)).allSatisfy { $0.takes($1) }
  }

  /// Goes through the text once, with all positions in the pattern that the bytes so far can lead
  /// to.
  private func runs(
    over text: UnsafeBufferPointer<UInt8>, counting comparisons: inout Int
  ) -> Bool {
    var positions = [Bool](repeating: false, count: steps.count + 1)
    positions[0] = true
    passStars(&positions)
    for byte in text {
      comparisons += steps.count
      for index in steps.indices.reversed() {
        let stays = index + 1 < steps.count && steps[index + 1].isStar && positions[index + 1]
        positions[index + 1] =
          positions[index] && !steps[index].isStar && steps[index].takes(byte)
          || stays && steps[index + 1].takes(byte)
      }
      let stays = steps.first.map { $0.isStar && $0.takes(byte) } ?? false
      positions[0] = positions[0] && stays || scope == .anyEnd && byte == Self.slash
      passStars(&positions)
    }
    return positions[steps.count]
  }

  /// A star also stands for nothing.
  private func passStars(_ positions: inout [Bool]) {
    for index in steps.indices where positions[index] && steps[index].isStar {
      positions[index + 1] = true
    }
  }
}

/// The path of an entry, prepared for comparison with many patterns.
package struct FilterPath: Sendable {
  /// A slash, the path relative to the root of the transfer, and a slash.
  fileprivate let bytes: [UInt8]
  fileprivate let nameStart: Int
  let isDirectory: Bool

  /// `path` is relative, not empty, and has no slash at its end.
  package init(_ path: some Collection<UInt8>, isDirectory: Bool) {
    let slash = UInt8(ascii: "/")
    var bytes: [UInt8] = [slash]
    bytes.reserveCapacity(path.count + 2)
    bytes += path
    nameStart = (bytes.lastIndex(of: slash) ?? 0) + 1
    bytes.append(slash)
    self.bytes = bytes
    self.isDirectory = isDirectory
  }
}
