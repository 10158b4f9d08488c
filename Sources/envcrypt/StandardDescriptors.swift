import Glibc

/// The descriptors for standard input, output and error.
enum StandardDescriptors {
  /// Opens /dev/null for each standard descriptor that the process was started without, in a mode
  /// that allows neither reading input nor writing output. Otherwise the next file that is opened,
  /// perhaps the keystore, would get the number of a standard descriptor.
  static func complete() {
    var descriptors = (STDIN_FILENO...STDERR_FILENO).map { pollfd(fd: $0, events: 0, revents: 0) }
    guard poll(&descriptors, nfds_t(descriptors.count), 0) > 0 else { return }
    for descriptor in descriptors where descriptor.revents & Int16(POLLNVAL) != 0 {
      // open() returns the lowest free number, which is the one of this descriptor.
      _ = open("/dev/null", descriptor.fd == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
