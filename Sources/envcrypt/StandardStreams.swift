import Glibc

/// Standard input, output and error.
enum StandardStreams {
  /// Takes the numbers of those that whoever started us has closed. The next file that is opened would get
  /// one: what is meant for standard output, or a message, would be written into it. Reading and writing
  /// fail as before.
  static func occupy() {
    for (number, flags) in [
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY),
    ] where fcntl(number, F_GETFD) < 0 {
      // The lowest number that is free is this one.
      _ = open("/dev/null", flags)
    }
  }
}
