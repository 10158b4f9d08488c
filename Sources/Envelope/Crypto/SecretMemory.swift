import CLinux
import COpenSSL
import Glibc
import Synchronization

/// The allocator for secrets. There is one per process.
enum SecretMemory {
  private static let pool = Mutex(SecretPool())

  /// `count` zero bytes.
  static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
    // An integer, because a pointer cannot leave the lock. The lock guards the pool, not its
    // blocks.
    let address = pool.withLock { UInt(bitPattern: $0.allocate(count)) }
    return UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: address), count: count)
  }

  /// True if the system would grant `count` bytes now. Does not reserve them.
  static func isAvailable(_ count: Int) -> Bool {
    let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    // MAP_FAILED, a macro that does not import, is -1.
    guard let start, start != UnsafeMutableRawPointer(bitPattern: -1) else { return false }
    munmap(start, count)
    return true
  }

  /// Wipes and frees a block of `allocate`.
  static func release(_ memory: UnsafeMutableRawBufferPointer) {
    OPENSSL_cleanse(memory.baseAddress, memory.count)
    let (address, count) = (UInt(bitPattern: memory.baseAddress), memory.count)
    pool.withLock { $0.release(UnsafeMutableRawPointer(bitPattern: address)!, count) }
  }
}

/// Pages that are kept out of swap (`mlock`) and core dumps (`MADV_DONTDUMP`) and cut into blocks.
/// Each run of pages is between two guard pages without access.
///
/// If the system locks no more pages (`ulimit -l`), or grants no more, blocks come from unlocked
/// memory, which is wiped all the same.
struct SecretPool: ~Copyable {
  /// The smallest block has 32 bytes, the next size is twice as large, and so on up to `largest`.
  /// Larger allocations have separate pages.
  private static let smallest = 32
  private static let largest = 4096

  /// The free blocks, wiped, by size.
  private var free: [[UnsafeMutableRawPointer]]
  /// The unused rest of the last run of pages.
  private var rest: UnsafeMutableRawPointer?
  private var restCount = 0
  /// Large blocks from the heap, made when the system granted no pages.
  private var heapBlocks: Set<UnsafeMutableRawPointer> = []
  private let pageSize: Int
  private let lock: @Sendable (UnsafeRawPointer, Int) -> Bool

  /// `lock` tries to keep pages out of swap.
  init(lock: @escaping @Sendable (UnsafeRawPointer, Int) -> Bool = { mlock($0, $1) == 0 }) {
    free = Array(
      repeating: [], count: 1 + (Self.largest / Self.smallest).trailingZeroBitCount)
    pageSize = Int(getpagesize())
    self.lock = lock
  }

  /// `count` zero bytes.
  mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    guard count <= Self.largest else {
      if let pages = makePages(roundedUp(count)) {
        envcrypt_allow_access(pages, count)
        return pages
      }
      let block = Self.heapBlock(count)
      heapBlocks.insert(block)
      return block
    }
    let block = takeBlock(Self.index(count))
    envcrypt_allow_access(block, count)
    return block
  }

  private mutating func takeBlock(_ index: Int) -> UnsafeMutableRawPointer {
    if let block = free[index].popLast() { return block }
    let size = Self.smallest << index
    if restCount < size, let pages = makePages(roundedUp(4 * Self.largest)) {
      rest = pages
      restCount = roundedUp(4 * Self.largest)
    }
    guard restCount >= size, let block = rest else { return Self.heapBlock(size) }
    rest = block + size
    restCount -= size
    return block
  }

  /// Frees a block that `allocate` returned for the same `count`. The caller has wiped it.
  mutating func release(_ block: UnsafeMutableRawPointer, _ count: Int) {
    guard count > Self.largest else {
      envcrypt_forbid_access(block, count)
      return free[Self.index(count)].append(block)
    }
    if heapBlocks.remove(block) != nil { return block.deallocate() }
    // The next owner of these addresses may access them.
    envcrypt_allow_access(block, roundedUp(count))
    munmap(block - pageSize, roundedUp(count) + 2 * pageSize)
  }

  private static func index(_ count: Int) -> Int {
    let size = max(count, smallest)
    return Int.bitWidth - (size - 1).leadingZeroBitCount - smallest.trailingZeroBitCount
  }

  private func roundedUp(_ count: Int) -> Int { (count + pageSize - 1) / pageSize * pageSize }

  /// A run of pages between two guard pages; nil if the system grants none.
  private func makePages(_ count: Int) -> UnsafeMutableRawPointer? {
    let start = mmap(
      nil, count + 2 * pageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    // MAP_FAILED, a macro that does not import, is -1.
    guard let start, start != UnsafeMutableRawPointer(bitPattern: -1) else { return nil }
    let pages = start + pageSize
    guard mprotect(pages, count, PROT_READ | PROT_WRITE) == 0 else {
      munmap(start, count + 2 * pageSize)
      return nil
    }
    _ = lock(pages, count)
    madvise(pages, count, MADV_DONTDUMP)
    envcrypt_forbid_access(pages, count)
    return pages
  }

  private static func heapBlock(_ count: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    return block
  }
}
