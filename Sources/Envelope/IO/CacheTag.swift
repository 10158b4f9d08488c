import Glibc
import SystemPackage

/// The file that marks a directory as a cache (https://bford.info/cachedir/): its contents can be
/// made again, so that a backup does not need them.
enum CacheTag {
  static let name: FilePath = "CACHEDIR.TAG"
  static let signature = Array("Signature: 8a477f597d28d172789f06886806bc55".utf8)

  /// True if the open directory, which contains these names, has a tag with the right signature. A
  /// link or a special file is not a tag, nor is a file that cannot be read.
  static func isIn(_ directory: Descriptor, _ names: [FilePath]) -> Bool {
    guard names.contains(name) else { return false }
    let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK
    let number = Descriptor.retrying {
      name.withPlatformString { openat(directory.number, $0, flags) }
    }
    guard number >= 0 else { return false }
    let file = Descriptor(owning: number, path: directory.path.pushing(name))
    guard (try? file.status())?.kind == .regular else { return false }
    var bytes = [UInt8](repeating: 0, count: signature.count)
    let count = Descriptor.retrying { pread(number, &bytes, bytes.count, 0) }
    return count == signature.count && bytes == signature
  }
}
