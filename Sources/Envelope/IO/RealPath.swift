import Glibc
import SystemPackage

extension FilePath {
  /// The absolute path without symbolic links, `.` and `..`; nil if the system cannot find the file.
  package var realPath: FilePath? {
    withPlatformString { path in
      guard let real = realpath(path, nil) else { return nil }
      defer { free(real) }
      return FilePath(platformString: real)
    }
  }
}
