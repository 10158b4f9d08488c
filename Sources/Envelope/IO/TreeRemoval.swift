import Glibc
import SystemPackage

/// The removal of a directory with everything in it. No link is followed.
enum TreeRemoval {
  /// Removes what has the name in the directory with this descriptor. What cannot be removed stays.
  static func remove(_ name: FilePath, in directory: Int32 = AT_FDCWD) {
    let number = name.withPlatformString {
      openat(directory, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    guard number >= 0 else {
      name.withPlatformString { _ = unlinkat(directory, $0, 0) }
      return
    }
    // Nobody can remove names in a directory that may not be written to, not even its owner.
    _ = fchmod(number, 0o700)
    // A process that still writes there may make new names meanwhile.
    for _ in 0..<3 {
      for inner in names(in: number) { remove(inner, in: number) }
      if name.withPlatformString({ unlinkat(directory, $0, AT_REMOVEDIR) }) == 0 { break }
    }
    close(number)
  }

  /// The names in an open directory.
  static func names(in directory: Int32) -> [FilePath] {
    let number = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { return [] }
    guard let stream = fdopendir(number) else {
      close(number)
      return []
    }
    defer { closedir(stream) }
    var names: [FilePath] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
          FilePath(platformString: $0)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
