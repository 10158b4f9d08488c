import Glibc

extension FileStatus {
  /// True if this file has the modification time of `original`, as exactly as its file system keeps
  /// times. Some keep them in steps, and round down: FAT in steps of two seconds.
  ///
  /// A coarser time is only accepted if the change time of this file is a whole number of the same
  /// steps. No program sets that time, so on a file system with exact times it nearly never is. Two
  /// changes of the original within one step look like one: `OutputFile` marks an output that was
  /// made in the step of the last change.
  package func hasTime(of original: FileStatus) -> Bool {
    let (own, wanted) = (modificationTime, original.modificationTime)
    if own.tv_sec == wanted.tv_sec, own.tv_nsec == wanted.tv_nsec { return true }
    let seconds = wanted.tv_sec.subtractingReportingOverflow(own.tv_sec)
    guard !seconds.overflow, (0...2).contains(seconds.partialValue) else { return false }
    let difference = seconds.partialValue * 1_000_000_000 + wanted.tv_nsec - own.tv_nsec
    return difference >= 0
      && Self.steps.contains {
        difference < $0 && own.isMultiple(of: $0) && changeTime.isMultiple(of: $0)
      }
  }

  /// The steps of the file systems that are coarser than a nanosecond, in nanoseconds: NTFS and
  /// SMB, UDF, some network file systems, exFAT, old ext3 and HFS+, FAT.
  private static let steps = [
    100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, FileStatus.longestStep,
  ]
  static let longestStep = 2_000_000_000
}

extension timespec {
  /// `step` is a divisor of a second in nanoseconds, or whole seconds.
  fileprivate func isMultiple(of step: Int) -> Bool {
    let second = 1_000_000_000
    return step < second
      ? tv_nsec.isMultiple(of: step) : tv_nsec == 0 && tv_sec.isMultiple(of: step / second)
  }
}
