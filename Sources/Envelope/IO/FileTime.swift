import Glibc

/// The times of files and their steps.
enum FileTime {
  static let second = 1_000_000_000

  /// The steps of the file systems that are coarser than a nanosecond, in nanoseconds: NTFS and
  /// SMB, UDF, some network file systems, exFAT, old ext3 and HFS+, FAT.
  static let steps = [100, 1_000, 1_000_000, 10_000_000, second, longestStep]
  static let longestStep = 2 * second

  /// The clock of Linux sets the time of a file in steps, too: of at most 10 ms. This is the double.
  static let clockStep = 20_000_000

  static var now: timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time
  }
}

extension FileStatus {
  /// True if this file has the modification time of `original`, as exactly as its file system keeps
  /// times. Some keep them in steps, and round down: FAT in steps of two seconds.
  ///
  /// A coarser time is only accepted if the change time of this file is a whole number of the same
  /// steps. No program sets that time, so on a file system with exact times it nearly never is. Two
  /// changes of the original within one step look like one: `Descriptor.take` marks an output that
  /// was made in the step of the last change.
  package func hasTime(of original: FileStatus) -> Bool {
    let (own, wanted) = (modificationTime, original.modificationTime)
    if own.isEqual(to: wanted) { return true }
    guard let difference = wanted.nanoseconds(after: own), difference >= 0 else { return false }
    return FileTime.steps.contains {
      difference < $0 && own.isMultiple(of: $0) && changeTime.isMultiple(of: $0)
    }
  }

  /// The time in microseconds after which the next change of the file gets another modification
  /// time than the last change; 0 if it would get one now.
  package var settlingTime: UInt32 { Self.settlingTime(after: modificationTime) }

  /// The same for the change time, which also changes with the names of a file.
  package var changeSettlingTime: UInt32 { Self.settlingTime(after: changeTime) }

  private static func settlingTime(after last: timespec) -> UInt32 {
    guard let age = FileTime.now.nanoseconds(after: last),
      (0..<FileTime.clockStep).contains(age)
    else { return 0 }
    return UInt32((FileTime.clockStep - age) / 1000 + 1)
  }
}

extension Descriptor {
  /// Gives the file the times of `source`, which was read after `begun`. If the file system rounds
  /// the time, and the source may have changed again in the same step, the file gets an earlier
  /// time. So it does not seem to be made from what the source is now.
  func take(timesOf source: FileStatus, begun: timespec) {
    let modified = source.modificationTime
    var times = [source.accessTime, modified]
    _ = futimens(number, &times)
    guard let age = begun.nanoseconds(after: modified), age < FileTime.longestStep,
      let rounded = try? status().modificationTime, !rounded.isEqual(to: modified)
    else { return }
    times[1] = timespec(
      tv_sec: rounded.tv_sec - 2 * FileTime.longestStep / FileTime.second, tv_nsec: 0)
    _ = futimens(number, &times)
  }
}

extension timespec {
  fileprivate func isEqual(to other: timespec) -> Bool {
    tv_sec == other.tv_sec && tv_nsec == other.tv_nsec
  }

  /// The nanoseconds from `other` to this time; nil if they are more than some seconds.
  fileprivate func nanoseconds(after other: timespec) -> Int? {
    let seconds = tv_sec.subtractingReportingOverflow(other.tv_sec)
    guard !seconds.overflow, (-3...3).contains(seconds.partialValue) else { return nil }
    return seconds.partialValue * FileTime.second + tv_nsec - other.tv_nsec
  }

  /// `step` is a divisor of a second in nanoseconds, or whole seconds.
  fileprivate func isMultiple(of step: Int) -> Bool {
    step < FileTime.second
      ? tv_nsec.isMultiple(of: step)
      : tv_nsec == 0 && tv_sec.isMultiple(of: step / FileTime.second)
  }
}
