import Dispatch
import Envelope
import Synchronization

/// Matches text against the regular expression of a template. A hostile expression can take almost
/// forever, and a running match cannot be stopped. The match therefore runs on its own thread with
/// a time limit.
enum PatternMatch {
  private final class Answer: Sendable {
    let value = Mutex<Bool?>(nil)
    let isThere = DispatchSemaphore(value: 0)
  }

  /// Returns true if the text matches; nil if the time limit has passed. In that case, the thread
  /// runs until the process ends, which is soon because there is no more work to do.
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
