import Dispatch
import Synchronization

/// Whether a text matches a template's regular expression. A hostile one takes longer than anybody
/// waits, and what matches it cannot be stopped: it gets a thread of its own, and so much time.
enum PatternMatch {
  private final class Answer: Sendable {
    let value = Mutex<Bool?>(nil)
    let isThere = DispatchSemaphore(value: 0)
  }

  /// Nil where the time is over. The thread then ends with the process, which has nothing more to do.
  static func matches(
    _ text: String, _ pattern: String, within patience: DispatchTimeInterval = .seconds(2)
  ) -> Bool? {
    let answer = Answer()
    let hasThread = startThread {
      let match = try? Regex(pattern).matchingSemantics(.unicodeScalar).wholeMatch(in: text)
      answer.value.withLock { $0 = match != nil }
      answer.isThere.signal()
    }
    guard hasThread, answer.isThere.wait(timeout: .now() + patience) == .success else { return nil }
    return answer.value.withLock { $0 }
  }
}
