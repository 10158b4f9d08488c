import Glibc

/// Whether reports have colours: on a terminal that has some, unless NO_COLOR says otherwise
/// (no-color.org).
enum Colour {
  static var isWanted: Bool {
    isatty(STDOUT_FILENO) == 1 && !isSet("NO_COLOR") && !isDumb
  }

  private static func isSet(_ name: String) -> Bool {
    getenv(name).map { $0.pointee != 0 } ?? false
  }

  private static var isDumb: Bool { getenv("TERM").map { String(cString: $0) == "dumb" } ?? true }
}
