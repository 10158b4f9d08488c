import Glibc
import Testing

@testable import Envelope

@Suite struct FileTimeTests {
  private static func status(
    _ time: (Int, Int), changed: (Int, Int) = (1_800_000_001, 123_456_789)
  ) -> FileStatus {
    var status = stat()
    status.st_mode = S_IFREG
    status.st_mtim = timespec(tv_sec: time.0, tv_nsec: time.1)
    status.st_ctim = timespec(tv_sec: changed.0, tv_nsec: changed.1)
    return FileStatus(status)
  }

  @Test(arguments: [(0, 0), (1, 1), (-5, 999_999_999), (Int.max, 0), (Int.min, 7)])
  func equalTimesAreEqual(time: (Int, Int)) {
    #expect(Self.status(time).hasTime(of: Self.status(time)))
  }

  @Test(arguments: [
    (100, 100), (1_000, 1_000), (1_000_000, 1_000_000), (10_000_000, 10_000_000),
    (1_000_000_000, 0),
  ])
  func aTimeIsRoundedDownToTheStepsOfTheFileSystem(step: Int, part: Int) {
    let copy = Self.status((1000, part % 1_000_000_000), changed: (1_800_000_001, 7 * part))
    for later in [0, 1, step - 1] {
      #expect(copy.hasTime(of: Self.status((1000, part + later))), "\(later)")
    }
    #expect(!copy.hasTime(of: Self.status(part == 0 ? (1001, 0) : (1000, part + step))))
    #expect(!copy.hasTime(of: Self.status(part == 0 ? (999, 999_999_999) : (1000, part - 1))))
  }

  @Test func theStepsOfFATAreTwoSeconds() {
    let copy = Self.status((1000, 0), changed: (1_800_000_000, 0))
    for time in [(1000, 0), (1000, 5), (1001, 0), (1001, 999_999_999)] {
      #expect(copy.hasTime(of: Self.status(time)))
    }
    #expect(!copy.hasTime(of: Self.status((1002, 0))))
    #expect(!copy.hasTime(of: Self.status((999, 999_999_999))))
    #expect(!copy.hasTime(of: Self.status((Int.max, 0))))
    #expect(!copy.hasTime(of: Self.status((Int.min, 0))))
  }

  /// A change within the second of an earlier time is noticed if the file system keeps exact times.
  @Test func aFileSystemWithExactTimesKeepsThemExactly() {
    for changed in [(1_800_000_001, 1), (1_800_000_000, 50), (1_800_000_000, 999_999_999)] {
      let copy = Self.status((1000, 0), changed: changed)
      #expect(!copy.hasTime(of: Self.status((1000, 500_000_000))))
      #expect(!copy.hasTime(of: Self.status((1001, 0))))
    }
    // A time in odd seconds is not FAT's.
    #expect(
      !Self.status((1000, 0), changed: (1_800_000_001, 0)).hasTime(of: Self.status((1001, 0))))
  }
}

/// Times of files that were made.
@Suite struct KeptTimeTests {
  @Test func aFileThatHasJustChangedIsNotSettled() {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var status = stat()
    status.st_mtim = now
    #expect((1...20_001).contains(FileStatus(status).settlingTime))
    for seconds in [-1, 1, 100_000, -now.tv_sec] {
      status.st_mtim.tv_sec = now.tv_sec + seconds
      #expect(FileStatus(status).settlingTime == 0, "\(seconds)")
    }
  }
}
