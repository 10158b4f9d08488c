import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import Envelope
@testable import TestSupport

/// The removal of recorded names when a signal ends the process, without a signal.
@Suite struct LeftoversTests {
  let directory: TemporaryDirectory
  let leftovers = Leftovers()
  var path: FilePath { directory.path.appending("file") }

  init() throws { directory = try TemporaryDirectory() }

  func isThere() throws -> Bool { try FileStatus.at(path) != nil }

  @Test func theEndWaitsForWhatIsHeld() throws {
    try write([1], to: path)
    leftovers.add(path)
    let ender = try leftovers.withoutEnding {
      let ender = try #require(Ender(leftovers))
      leftovers.withoutEnding { _ = usleep(20_000) }
      usleep(20_000)
      #expect(try isThere())
      #expect(!ender.isDone)
      return ender
    }
    while !ender.isDone { usleep(1000) }
    #expect(try !isThere())
  }

  @Test func whatWasForgottenMeanwhileStays() throws {
    try write([1], to: path)
    leftovers.add(path)
    let ender = try leftovers.withoutEnding {
      let ender = try #require(Ender(leftovers))
      usleep(20_000)
      leftovers.forget(path)
      return ender
    }
    while !ender.isDone { usleep(1000) }
    #expect(try isThere())
  }

  /// After the end has begun, nothing that belongs together is begun.
  @Test func nothingIsHeldAfterTheEnd() throws {
    leftovers.removeForEnding()
    let leftovers = leftovers
    let path = path
    startThread { leftovers.withoutEnding { try? write([1], to: path) } }
    usleep(50_000)
    #expect(try !isThere())
  }

  /// A thread that does what the thread that waits for signals does.
  private final class Ender: Sendable {
    private let done = Atomic(false)
    var isDone: Bool { done.load(ordering: .acquiring) }

    init?(_ leftovers: Leftovers) {
      let isStarted = startThread { [self] in
        leftovers.removeForEnding()
        done.store(true, ordering: .releasing)
      }
      guard isStarted else { return nil }
    }
  }
}
