import ArgumentParser
import Testing

@testable import Envelope
@testable import TestSupport
@testable import envcrypt

/// The exit status at the end of a run: a failure has precedence over a change, in any order.
@Suite struct OutcomeLogTests {
  private let log = OutcomeLog(console: Console(isQuiet: true), goesOn: true) { _, _ in }

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

  @Test func whatIsNoInputsFailureCounts() {
    log.add(Failure(.ioError, "the disk is gone"))
    #expect(status() == 74)
  }
}
