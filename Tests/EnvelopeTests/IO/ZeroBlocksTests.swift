import Glibc
import Testing

@testable import Envelope
@testable import TestSupport

/// Runs of zeros that become holes.
@Suite struct ZeroBlocksTests {
  private static let size = ZeroBlocks.size

  /// The runs that follow each other in `bytes`.
  private func runs(_ bytes: [UInt8], at position: Int64) -> [(count: Int, isZero: Bool)] {
    var runs: [(count: Int, isZero: Bool)] = []
    var done = 0
    while done < bytes.count {
      let rest = Array(bytes[done...])
      let run = ZeroBlocks.firstRun(of: rest.span.bytes, at: position + Int64(done))
      #expect(run.count > 0)
      runs.append(run)
      done += run.count
    }
    #expect(done == bytes.count)
    return runs
  }

  /// Every run of zeros lies in whole blocks of the file, or reaches the end, and contains only
  /// zeros; and no such block is left to be written.
  @Test(arguments: [0, 1, 4095, 4096, 4097, 100_000] as [Int64])
  func runsAreWholeBlocks(position: Int64) {
    let size = Self.size
    for (start, count) in [
      (0, 0), (0, size), (1, size), (size, size), (size - 1, size), (size, 2 * size - 1),
      (0, 6 * size), (100, 5 * size), (3 * size, 3 * size),
    ] {
      var bytes = [UInt8](repeating: 1, count: 6 * size)
      for index in start..<start + count { bytes[index] = 0 }
      var done = 0
      var zeros = 0
      for run in runs(bytes, at: position) {
        let first = Int(position) + done
        if run.isZero {
          #expect(first % size == 0)
          #expect(run.count % size == 0 || done + run.count == bytes.count)
          #expect(bytes[done..<done + run.count].allSatisfy { $0 == 0 })
          zeros += run.count
        }
        done += run.count
      }
      // The whole blocks of the file that lie in the zeros.
      let from = (Int(position) + start + size - 1) / size
      let to = (Int(position) + start + count) / size
      // The last block, of which only the beginning is there.
      let rest = (Int(position) + bytes.count) % size
      let isZeroRest = start + count == bytes.count && count >= rest
      #expect(zeros == max(0, to - from) * size + (isZeroRest ? rest : 0))
    }
  }

  /// A file of a few zeros is only a hole. Zeros at the end of a block may belong to what is before
  /// them.
  @Test(arguments: [1, 100, 4095])
  func fewZeros(count: Int) {
    var bytes = [UInt8](repeating: 0, count: count)
    #expect(ZeroBlocks.firstRun(of: bytes.span.bytes, at: 0) == (count, true))
    #expect(ZeroBlocks.firstRun(of: bytes.span.bytes, at: 8192 - Int64(count)) == (count, false))
    bytes[count - 1] = 1
    #expect(ZeroBlocks.firstRun(of: bytes.span.bytes, at: 0) == (count, false))
  }

  /// The file has the right bytes and the right size, in whatever order the parts come.
  @Test(arguments: [true, false])
  func aFileWithHolesHasItsBytes(isReversed: Bool) throws {
    let directory = try TemporaryDirectory()
    var bytes = [UInt8](repeating: 0, count: 20 * Self.size + 77)
    for index in [5, 5 * Self.size, 9 * Self.size - 1] { bytes[index] = 7 }
    let path = directory.path.appending("file")
    let file = try OutputFile(path, replacing: false, leftovers: Leftovers())
    file.makeSparse()
    let sink = try #require(file.positional)
    let parts = stride(from: 0, to: bytes.count, by: 3 * Self.size + 11).map { $0 }
    for start in isReversed ? parts.reversed() : parts {
      let part = Array(bytes[start..<min(bytes.count, start + 3 * Self.size + 11)])
      try sink.writeAll(part.span.bytes, at: Int64(start))
    }
    try sink.truncate(to: Int64(bytes.count))
    try file.commit()
    #expect(try contents(path) == bytes)
  }
}
