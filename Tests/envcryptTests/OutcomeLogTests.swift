import ArgumentParser
import SystemPackage
import Testing

@testable import Envelope
@testable import KMSKeystore
@testable import TestSupport
@testable import envcrypt

/// The exit status at the end of a run depends on what occurred, and not on the order.
@Suite struct OutcomeLogTests {
  private let log = OutcomeLog(console: Console(isQuiet: true), goesOn: true)

  private func status() -> Int32? {
    do {
      try log.finish(passedOver: PassedOver(), alwaysSummarizing: false)
      return nil
    } catch let status as ExitCode {
      return status.rawValue
    } catch {
      return -1
    }
  }

  @Test func whatIsDoneIsASuccess() {
    log.add(0, "a", .success(.unchanged))
    #expect(status() == nil)
  }

  @Test func whatIsGoneIsToldWithStatusThree() {
    log.add(1, "b", .success(.unchanged))
    log.add(0, "a", .success(.vanished))
    #expect(status() == 3)
  }

  @Test(arguments: [true, false])
  func aFailureComesFirst(isFirst: Bool) {
    log.add(isFirst ? 1 : 0, "a", .success(.vanished))
    log.add(isFirst ? 0 : 1, "b", .failure(MessageError.truncated))
    #expect(status() == 65)
  }

  /// Every pair of statuses, in both orders of the inputs.
  @Test(arguments: ExitStatus.precedence.indices.dropLast())
  func theStatusThatComesFirstDecides(index: Int) {
    let first = ExitStatus.precedence[index]
    for other in ExitStatus.precedence[(index + 1)...] {
      for statuses in [[first, other], [other, first]] {
        let log = OutcomeLog(console: Console(isQuiet: true), goesOn: true)
        for (index, status) in statuses.enumerated() {
          log.add(index, FilePath("f\(index)"), .failure(Failure(status, "failed")))
        }
        let thrown = #expect(throws: ExitCode.self) {
          try log.finish(passedOver: PassedOver(), alwaysSummarizing: false)
        }
        #expect(thrown?.rawValue == first.rawValue)
      }
    }
  }

  @Test func everyStatusHasItsPlace() {
    #expect(Set(ExitStatus.precedence) == Set(ExitStatus.allCases))
    #expect(ExitStatus.precedence.count == ExitStatus.allCases.count)
    #expect(
      ExitStatus.precedence.filter { ![.dryRun, .cannotRun, .commandNotFound].contains($0) }.map(
        \.rawValue)
        == [65, 77, 69, 78, 70, 71, 74, 73, 64, 66, 3])
  }

  /// A keystore that cannot be used ends the run, or is counted for each file that needs it.
  @Test(arguments: [true, false])
  func aFailureOfTheKeystore(endsRun: Bool) {
    let log = OutcomeLog(
      console: Console(isQuiet: true), goesOn: true,
      keystore: RunKeystore(
        obstacle: { KeystoreError.wrongPassphrase("k.db") }, isNeeded: endsRun,
        finishRecords: { true }))
    log.add(0, "a", .failure(KeystoreError.wrongPassphrase("k.db")))
    #expect(log.isAborted == endsRun)
    log.add(1, "b", .failure(MessageError.truncated))
    let thrown = #expect(throws: ExitCode.self) {
      try log.finish(passedOver: PassedOver(), alwaysSummarizing: false)
    }
    #expect(thrown?.rawValue == 65)
  }

  @Test(arguments: [
    ("a", "a", true), ("a", "a.envc", true), ("a", "/mnt/a.envc", true), ("/x/a", "/x/a", true),
    ("a", "data", false), ("a", "/data/b", false), ("a", "ba", false), ("a", "ab", false),
    ("x/a", "/mnt/x/a.envc", true), ("", "a", false), ("abc", "a", false),
  ])
  func aMessageNamesItsFile(input: String, file: String, isNamed: Bool) {
    let failure = Failure(.ioError, "failed").withFile(FilePath(file))
    #expect(failure.names(FilePath(input)) == isNamed)
    #expect(!Failure(.ioError, "failed").names(FilePath(input)))
  }

  @Test func whatIsNoInputsFailureCounts() {
    log.add(Failure(.ioError, "the disk is gone"))
    #expect(status() == 74)
  }
}
