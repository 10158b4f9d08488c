/// Looks for what stands between two `*` of a pattern.
///
/// Every place where it may have begun is followed at once, one bit for each part that has fit so far:
/// what a policy's author and a request's context make of each other takes a 64th of their product,
/// and a single pass where there are not more than 64 parts.
struct PolicySegmentSearch {
  private typealias Bits = [UInt64]

  /// For each scalar of the segment the parts that it fits.
  private var fits: [Unicode.Scalar: Bits] = [:]
  /// The parts that any scalar fits.
  private var anyScalar: Bits
  private let lastBit: Int

  /// `parts` are not empty, and scalars and `?` only.
  init(_ parts: ArraySlice<PolicyPattern.Part>) {
    lastBit = parts.count - 1
    anyScalar = Bits(repeating: 0, count: lastBit / 64 + 1)
    for (bit, part) in parts.enumerated() where part == .anyScalar {
      anyScalar[bit / 64] |= 1 << UInt64(bit % 64)
    }
    for (bit, part) in parts.enumerated() {
      guard case .scalar(let scalar) = part else { continue }
      fits[scalar, default: anyScalar][bit / 64] |= 1 << UInt64(bit % 64)
    }
  }

  /// Where the segment first ends in `text`; nil where it is not there.
  func end(in text: ArraySlice<Unicode.Scalar>, steps: inout Int) -> Int? {
    var state = Bits(repeating: 0, count: anyScalar.count)
    // Words from here on are zero.
    var used = 1
    for position in text.indices {
      let fitting = fits[text[position]] ?? anyScalar
      var carry: UInt64 = 1
      for word in 0..<used {
        let shifted = state[word] << 1 | carry
        carry = state[word] >> 63
        state[word] = shifted & fitting[word]
      }
      if carry == 1, used < state.count {
        state[used] = 1 & fitting[used]
        used += 1
      }
      while used > 1, state[used - 1] == 0 { used -= 1 }
      steps += used
      if state[lastBit / 64] >> UInt64(lastBit % 64) & 1 == 1 { return position + 1 }
    }
    return nil
  }
}
