/// A search for the segment between two `*` of a pattern.
///
/// It follows all possible beginnings at the same time, with one bit for each part that has matched
/// so far. Up to 64 parts take a single pass over the text. For more parts, the cost is at most a
/// 64th of the product of both lengths, whatever the policy and the request are.
struct PolicySegmentSearch {
  private typealias Bits = [UInt64]

  /// The parts that each scalar of the segment fits, as bits.
  private var fits: [Unicode.Scalar: Bits] = [:]
  /// The parts that any scalar fits, as bits.
  private var anyScalar: Bits
  private let lastBit: Int

  /// `parts` must not be empty, and may only be scalars and `?`.
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

  /// Returns the index after the first occurrence of the segment in `text`; nil if there is none.
  func end(in text: ArraySlice<Unicode.Scalar>, steps: inout Int) -> Int? {
    var state = Bits(repeating: 0, count: anyScalar.count)
    // The number of words in use. All later words are zero.
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
