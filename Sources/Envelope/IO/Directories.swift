import Glibc
import SystemPackage

extension FilePath {
  /// The path without its last component. `removingLastComponent` does the same with generic
  /// collections, which are slow at their first use.
  package var directory: FilePath {
    withPlatformString { start in
      guard let slash = strrchr(start, Int32(UInt8(ascii: "/"))) else { return FilePath() }
      // The root is its own directory.
      let count = max(1, slash - UnsafeMutablePointer(mutating: start))
      return FilePath(platformString: Array(UnsafeBufferPointer(start: start, count: count)) + [0])
    }
  }

  /// The last component; nil if it is the root, `.` or `..`, or if there is none.
  package var lastName: FilePath? {
    withPlatformString { start in
      let name = strrchr(start, Int32(UInt8(ascii: "/"))).map { UnsafePointer($0 + 1) } ?? start
      if name.pointee == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return nil }
      return FilePath(platformString: name)
    }
  }
}
