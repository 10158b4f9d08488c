import Glibc

/// The system refused an allocation.
public struct OutOfMemoryError: Error, Equatable, Sendable {
  /// The number of bytes of the allocation; nil if unknown.
  public let count: Int?

  package init(count: Int?) { self.count = count }
}

/// Page-aligned memory with one owner, which lends parts of it. The memory is not zeroed, so a
/// buffer costs only the pages that are touched.
struct Buffer: ~Copyable {
  private var memory: UnsafeMutableRawBufferPointer
  /// True if the memory is wiped before it is freed.
  private let isSecret: Bool

  /// Creates a small buffer. If the system refuses this allocation, the process ends.
  init(capacity: Int, isSecret: Bool = false) {
    precondition(capacity < Self.largeCapacity, "a large buffer grows, and may be refused")
    memory = .allocate(byteCount: max(capacity, 1), alignment: 4096)
    self.isSecret = isSecret
  }

  deinit { free() }

  /// A buffer of at least this capacity is mapped separately, and a refused mapping throws: a
  /// message with frames that are too large for this process must not end a run with other
  /// messages.
  private static let largeCapacity = 1 << 20

  private static func allocate(_ count: Int) throws(OutOfMemoryError)
    -> UnsafeMutableRawBufferPointer
  {
    guard count >= largeCapacity else { return .allocate(byteCount: count, alignment: 4096) }
    let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    // MAP_FAILED, a macro that does not import, is -1.
    guard let start, start != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw OutOfMemoryError(count: count)
    }
    return UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  private func free() {
    if isSecret { explicit_bzero(memory.baseAddress!, memory.count) }
    guard memory.count >= Self.largeCapacity else { return memory.deallocate() }
    munmap(memory.baseAddress, memory.count)
  }

  var capacity: Int { memory.count }

  /// Makes room for `capacity` bytes and keeps the first `count`.
  mutating func grow(to capacity: Int, keeping count: Int) throws(OutOfMemoryError) {
    guard capacity > memory.count else { return }
    let larger = try Self.allocate(capacity)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
    free()
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
