/// Page-aligned memory of one owner that lends parts of itself. It is not zeroed, so that a buffer
/// costs only the pages that are touched.
struct Buffer: ~Copyable {
  private var memory: UnsafeMutableRawBufferPointer

  init(capacity: Int) {
    memory = .allocate(byteCount: max(capacity, 1), alignment: 4096)
  }

  deinit { memory.deallocate() }

  var capacity: Int { memory.count }

  /// Makes room for `capacity` bytes; the first `count` stay.
  mutating func grow(to capacity: Int, keeping count: Int) {
    guard capacity > memory.count else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 4096)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
    memory.deallocate()
    memory = larger
  }

  /// Moves the bytes of `range` to the front.
  mutating func moveToFront(_ range: Range<Int>) {
    guard !range.isEmpty, range.lowerBound > 0 else { return }
    memory.baseAddress!.copyMemory(
      from: memory.baseAddress! + range.lowerBound, byteCount: range.count)
  }

  /// Copies `bytes` to `offset`.
  mutating func copy(_ bytes: RawSpan, to offset: Int) {
    guard bytes.byteCount > 0 else { return }
    precondition(offset >= 0 && offset + bytes.byteCount <= memory.count, "bytes beyond the buffer")
    bytes.withUnsafeBytes { source in
      UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + source.count])
        .copyMemory(from: source)
    }
  }

  borrowing func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.upperBound <= memory.count, "bytes beyond the buffer")
    return try body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[range])))
  }

  mutating func withMutableBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.upperBound <= memory.count, "bytes beyond the buffer")
    var span = MutableRawSpan(
      _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: memory[range]))
    return try body(&span)
  }
}
