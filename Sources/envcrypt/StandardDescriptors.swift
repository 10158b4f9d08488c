import Glibc

/// Standard input, output and error.
enum StandardDescriptors {
  /// Puts something that can be neither read nor written in the place of those that the process was
  /// started without. Else the next file that is opened, the keystore perhaps, would be taken for them.
  static func complete() {
    var descriptors = (STDIN_FILENO...STDERR_FILENO).map { pollfd(fd: $0, events: 0, revents: 0) }
    guard poll(&descriptors, nfds_t(descriptors.count), 0) > 0 else { return }
    for descriptor in descriptors where descriptor.revents & Int16(POLLNVAL) != 0 {
      // The lowest number that is free is the one.
      _ = open("/dev/null", descriptor.fd == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
