import Glibc
import SystemPackage

/// Who asks: the process's user, as key policies and the audit log name it.
public struct Caller: Equatable, Sendable {
  /// The user's name, or the user ID where there is none.
  public let userName: String
  /// Whether the user owns the keystore, and so is the account that policies call root.
  public let isOwner: Bool

  init(userName: String, isOwner: Bool) {
    self.userName = userName
    self.isOwner = isOwner
  }

  /// The process's effective user, before a keystore that `owner` owns.
  static func current(keystoreOwner owner: uid_t) -> Caller {
    let uid = geteuid()
    // The superuser is the account anyway.
    return Caller(userName: name(of: uid) ?? "\(uid)", isOwner: uid == owner || uid == 0)
  }

  public var arn: String { principal.arn }

  /// As `/etc/passwd` has it. The C library's own look-up may load other sources, which a static
  /// program cannot.
  private static func name(of uid: uid_t) -> String? {
    guard let file = fopen("/etc/passwd", "re") else { return nil }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while getline(&line, &capacity, file) > 0, let line {
      let fields = String(cString: line).split(separator: ":", omittingEmptySubsequences: false)
      if fields.count > 2, fields[2] == "\(uid)", !fields[0].isEmpty { return String(fields[0]) }
    }
    return nil
  }
}
