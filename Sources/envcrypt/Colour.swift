import Glibc

/// Decides if reports have colours: they do on a terminal that supports colours, unless NO_COLOR is
/// set (no-color.org).
enum Colour {
  static var isWanted: Bool {
    isatty(STDOUT_FILENO) == 1 && !isSet("NO_COLOR") && !isDumb
  }

  private static func isSet(_ name: String) -> Bool {
    getenv(name).map { $0.pointee != 0 } ?? false
  }

  /// True if the terminal shows text only.
  static var isDumb: Bool { getenv("TERM").map { String(cString: $0) == "dumb" } ?? true }
}
