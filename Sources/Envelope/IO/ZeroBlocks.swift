import Glibc

/// Finds the blocks of zeros that a file need not store.
enum ZeroBlocks {
  /// The size of a block of most file systems, and the unit in which they keep holes.
  static let size = 4096

  /// The first bytes of `bytes`, which belong at `position` of a file, up to where blocks of zeros
  /// begin or end. Only whole blocks count, and the beginning of a block at the end of `bytes`.
  static func firstRun(of bytes: RawSpan, at position: Int64) -> (count: Int, isZero: Bool) {
    bytes.withUnsafeBytes { bytes in
      // The bytes before the first whole block.
      var done = Int(-position & Int64(size - 1))
      var isZero = false
      while done + size <= bytes.count {
        let block = UnsafeRawBufferPointer(rebasing: bytes[done..<done + size])
        let isZeroBlock = areZero(block)
        if done == 0 { isZero = isZeroBlock }
        if isZeroBlock != isZero { return (done, isZero) }
        done += size
      }
      guard done < bytes.count else { return (bytes.count, isZero) }
      // The rest is the beginning of a block. It may be the end of the file; if it is not, leaving
      // out zeros is right all the same.
      let isZeroRest = areZero(UnsafeRawBufferPointer(rebasing: bytes[done...]))
      if done == 0 || isZeroRest == isZero { return (bytes.count, isZeroRest) }
      return (done, isZero)
    }
  }

  private static func areZero(_ block: UnsafeRawBufferPointer) -> Bool {
    // If the first byte is zero and every byte equals the one after it, all are zero.
    block[0] == 0 && memcmp(block.baseAddress!, block.baseAddress! + 1, block.count - 1) == 0
  }
}
