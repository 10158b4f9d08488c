import Foundation

/// Lets threads through one at a time, in the order of their tickets.
final class Turnstile: Sendable {
  private struct State {
    var next = 0
    /// Tickets from here on do not pass any more.
    var limit = Int.max
  }

  private let condition = NSCondition()
  /// Guarded by `condition`.
  private nonisolated(unsafe) var state = State()

  /// Waits for the turn of `ticket` and runs `body`. Nil where the ticket is not to pass any more.
  /// Where `body` throws or returns nil the turn stays where it is.
  func pass<Result>(_ ticket: Int, _ body: () throws -> Result?) rethrows -> Result? {
    guard waitForTurn(ticket), let result = try body() else { return nil }
    condition.lock()
    state.next = ticket + 1
    condition.broadcast()
    condition.unlock()
    return result
  }

  /// Turns away `limit` and every ticket behind it.
  func close(from limit: Int) {
    condition.lock()
    state.limit = min(state.limit, limit)
    condition.broadcast()
    condition.unlock()
  }

  private func waitForTurn(_ ticket: Int) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while state.next != ticket, ticket < state.limit { condition.wait() }
    return ticket < state.limit
  }
}
