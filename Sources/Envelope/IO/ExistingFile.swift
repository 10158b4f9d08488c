import Glibc
import SystemPackage

extension FilePlace {
  /// Opens the file that is here now, for reading; nil if there is none. Does not follow a link, and
  /// does not wait for the other end of a pipe.
  ///
  /// Throws `FileRuleError.symbolicLink`, `notARegularFile`, `outputIsDirectory`, and `IOError`.
  package func openExisting() throws -> (file: Descriptor, status: FileStatus)? {
    let number = Descriptor.retrying {
      name.withPlatformString {
        openat(
          directory.number, $0, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)
      }
    }
    guard number >= 0 else {
      switch Errno.current {
      case .noSuchFileOrDirectory: return nil
      case .tooManySymbolicLinkLevels: throw FileRuleError.symbolicLink(path)
      case .noSuchAddressOrDevice: throw FileRuleError.notARegularFile(path)
      case let reason: throw IOError(.createOutput, path, reason)
      }
    }
    let file = descriptor(owning: number)
    let status = try file.status()
    switch status.kind {
    case .regular: return (file, status)
    case .directory: throw FileRuleError.outputIsDirectory(path)
    case .symbolicLink, .other: throw FileRuleError.notARegularFile(path)
    }
  }
}
