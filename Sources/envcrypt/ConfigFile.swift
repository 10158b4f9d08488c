import Envelope
import Glibc
import SystemPackage

/// The file of settings, `envcrypt/config.toml` in the user's directory for configuration.
struct ConfigFile: Sendable {
  let path: FilePath
  /// The contents; nil if there is no such file.
  let bytes: [UInt8]?

  private static let limit = 64 << 10

  /// Reads the file. Nil if its place is unknown: without HOME there is none. Throws if the file
  /// cannot be read, or if others may have written it: it can name a command to run.
  static func load() throws -> ConfigFile? {
    guard let path = place() else { return nil }
    return ConfigFile(path: path, bytes: try read(path))
  }

  /// The XDG specification requires that relative paths are ignored.
  private static func place() -> FilePath? {
    if let base = EnvironmentVariable.path("XDG_CONFIG_HOME"), base.isAbsolute {
      return base.appending("envcrypt").appending("config.toml")
    }
    guard let home = EnvironmentVariable.path("HOME"), home.isAbsolute else { return nil }
    return home.appending(".config/envcrypt/config.toml")
  }

  static func read(_ path: FilePath) throws -> [UInt8]? {
    guard let file = try open(path) else { return nil }
    try check(try file.status(), path)
    return try SmallFile.read(file, limit: limit, as: "file of settings")
  }

  private static func open(_ path: FilePath) throws -> Descriptor? {
    do {
      return try Descriptor.openInput(path, waiting: false)
    } catch let error as IOError {
      if isMissing(path, error.errno) { return nil }
      throw Failure(.configuration, Failure(error).message)
    } catch {
      throw Failure(.configuration, Failure(error).message)
    }
  }

  /// True if there is no file. A directory that the user may not search counts as one without a
  /// file: a service may run with the HOME of another user.
  private static func isMissing(_ path: FilePath, _ reason: Errno) -> Bool {
    if reason == .noSuchFileOrDirectory || reason == .notDirectory { return true }
    guard reason == .permissionDenied else { return false }
    do {
      return try FileStatus.at(path) == nil
    } catch {
      return true
    }
  }

  /// Throws unless the file is regular, belongs to the user or to root, and nobody else may write
  /// it.
  private static func check(_ status: FileStatus, _ path: FilePath) throws {
    let name = Text.printable(path)
    guard status.kind == .regular else {
      throw Failure(.configuration, "\(name) is not a regular file")
    }
    guard status.owner == geteuid() || status.owner == 0 else {
      throw Failure(
        .configuration,
        "\(name) belongs to another user (ID \(status.owner)), whose settings are not used",
        hint: "chown \(geteuid()) -- \(Text.shellQuoted(path))")
    }
    guard status.permissions & 0o022 == 0 else {
      throw Failure(
        .configuration,
        "others may write \(name) (mode 0\(String(status.permissions, radix: 8))), and it can name "
          + "a command to run",
        hint: "chmod go-w -- \(Text.shellQuoted(path))")
    }
  }
}

/// Access to the variables of the environment. An empty variable counts as not set.
enum EnvironmentVariable {
  static func path(_ name: String) -> FilePath? {
    pointer(name).map { FilePath(platformString: $0) }
  }

  /// The value as an argument.
  static func text(_ name: String) -> String? {
    path(name)?.argument
  }

  /// True if the variable is there, even if it is empty.
  static func isSet(_ name: String) -> Bool { getenv(name) != nil }

  private static func pointer(_ name: String) -> UnsafePointer<CChar>? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return UnsafePointer(value)
  }
}
