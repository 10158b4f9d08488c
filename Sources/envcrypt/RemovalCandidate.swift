import Envelope
import SystemPackage

/// An input whose output is on the disk, and which is removed next if the output is verified.
struct RemovalCandidate: Sendable {
  /// Receives the outcome, possibly later and on another thread.
  typealias Reporter = @Sendable (Result<JobOutcome, any Error>) -> Void

  let input: FilePath
  /// The input from before it was read.
  let inputStatus: FileStatus
  /// The output after it was written.
  let outputStatus: FileStatus
  /// True if the output was there before this run.
  let isOfEarlierRun: Bool
  /// The outcome if the input were kept.
  let outcome: JobOutcome
  let report: Reporter
  /// Returns the places of both. Throws if a directory cannot be opened again.
  let places: @Sendable () throws -> (input: FilePlace, output: FilePlace)
}
