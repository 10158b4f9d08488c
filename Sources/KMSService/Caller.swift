import Glibc
import KMSAPI

/// The user who makes a request: the process's user, as key policies and the audit log name him.
package struct Caller: Equatable, Sendable {
  /// The user's name, or the user ID if there is none.
  package let userName: String
  /// True if the user owns the keystore. The owner is the account, which policies call root.
  package let isOwner: Bool
  /// True if the kernel tells which user it is. An unknown caller may do nothing with a key,
  /// because the key's policy may deny it to the user that he really is.
  let isKnown: Bool

  init(userName: String, isOwner: Bool, isKnown: Bool = true) {
    self.userName = userName
    self.isOwner = isOwner
    self.isKnown = isKnown
  }

  /// Returns the effective user of the process, and his relation to a keystore that `owner` owns.
  static func current(keystoreOwner owner: uid_t) -> Caller {
    let namespace = UserNamespace.current()
    return Caller(
      uid: geteuid(), keystoreOwner: owner, in: namespace,
      names: { UserNames.name(of: $0, in: namespace) })
  }

  /// Makes the caller of the user `uid`. All IDs are those of the namespace.
  init(
    uid: uid_t, keystoreOwner owner: uid_t, in namespace: UserNamespace,
    names: (uid_t) -> String?
  ) {
    switch namespace.maker(ifKeystoreOwnerIs: owner) {
    case .root:
      self.init(
        userName: names(uid) ?? "\(uid)",
        // The superuser always counts as the account.
        isOwner: uid == 0 || uid == owner && namespace.isUnique(owner))
    case .keystoreOwner where namespace.isUnique(uid):
      let outside = namespace.outsideID(of: uid)
      self.init(
        userName: outside.map { names($0) ?? "\($0)" } ?? Self.unknownName(outside),
        isOwner: uid == 0 || uid == owner)
    case .keystoreOwner, .anybody:
      self.init(
        userName: Self.unknownName(namespace.outsideID(of: uid)), isOwner: false, isKnown: false)
    }
  }

  package var arn: String { principal.arn }

  // MARK: Unknown callers

  /// The beginning of the names of unknown callers. No name in `/etc/passwd` has a colon.
  private static let unknownPrefix = "user-namespace:"

  /// Returns the name of a caller who is user `outside` according to his namespace. That may be
  /// wrong: the user who makes a namespace inside another one chooses the IDs in it.
  private static func unknownName(_ outside: uid_t?) -> String {
    unknownPrefix + (outside.map { "\($0)" } ?? "unknown")
  }

  /// Returns the name of a record's caller, to show it to a person. An unknown caller's ID gets a
  /// name from the `/etc/passwd` of the person who reads the record, because the caller chooses
  /// what is in his own.
  package static func displayName(ofARN arn: String) -> String {
    let name = arn.split(separator: "/").last.map(String.init) ?? arn
    guard name.hasPrefix(unknownPrefix), let uid = uid_t(name.dropFirst(unknownPrefix.count)),
      let known = UserNames.name(of: uid, in: .current())
    else { return name }
    return "\(name)(\(known)?)"
  }

  /// Throws `unknownCaller` if it is not known which user the caller is.
  func requireKnown(toDo what: String) throws(KeyServiceError) {
    guard !isKnown else { return }
    throw .unknownCaller(
      "\(arn) may not do \(what): it runs in a user namespace that the keystore's owner is not in, "
        + "and nothing there says which user it is outside")
  }
}

enum UserNames {
  private static let path = "/etc/passwd"

  /// Returns the name that `/etc/passwd` has for the user. The C library's own look-up may load
  /// other sources, which a static program cannot do. Nil if there is no name, or if somebody other
  /// than root can write the file.
  static func name(of uid: uid_t, in namespace: UserNamespace) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    guard !namespace.isRoots || isWritableOnlyByRoot(file) else { return nil }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while getline(&line, &capacity, file) > 0, let line {
      let fields = String(cString: line).split(separator: ":", omittingEmptySubsequences: false)
      if fields.count > 2, fields[2] == "\(uid)", !fields[0].isEmpty { return String(fields[0]) }
    }
    return nil
  }

  private static func isWritableOnlyByRoot(_ file: UnsafeMutablePointer<FILE>) -> Bool {
    var status = stat()
    return fstat(fileno(file), &status) == 0 && status.st_uid == 0
      && status.st_mode & (S_IWGRP | S_IWOTH) == 0
  }
}
