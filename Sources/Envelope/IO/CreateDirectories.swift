import Glibc
import SystemPackage

/// Creates `directory` and its missing parents. The new directories are on the disk when this
/// function returns.
package func createDirectories(_ directory: FilePath, permissions: mode_t = 0o777) throws(IOError) {
  if directory.isEmpty { return }
  var failure = makeDirectory(directory, permissions)
  if failure == .noSuchFileOrDirectory, directory.lastComponent != nil {
    try createDirectories(directory.removingLastComponent(), permissions: permissions)
    failure = makeDirectory(directory, permissions)
  }
  switch failure {
  case nil: try synchronizeName(ofDirectory: directory)
  case .fileExists: return
  case let reason?: throw IOError(.createOutput, directory, reason)
  }
}

/// Creates a directory. Returns the error; nil if the directory was created.
private func makeDirectory(_ directory: FilePath, _ permissions: mode_t) -> Errno? {
  directory.withPlatformString { mkdir($0, permissions) } == 0 ? nil : .current
}

private func synchronizeName(ofDirectory directory: FilePath) throws(IOError) {
  let made = try opened(directory, in: AT_FDCWD, O_RDONLY, path: directory)
  let parent = try opened("..", in: made.number, Descriptor.pathOnly, path: directory)
  try parent.synchronizeNames(orFileSystemOf: made)
}

private func opened(
  _ way: FilePath, in directory: Int32, _ flags: Int32, path: FilePath
) throws(IOError) -> Descriptor {
  let number = Descriptor.retrying {
    way.withPlatformString { openat(directory, $0, flags | O_DIRECTORY | O_CLOEXEC) }
  }
  guard number >= 0 else { throw .current(.createOutput, path) }
  return Descriptor(owning: number, path: path)
}
