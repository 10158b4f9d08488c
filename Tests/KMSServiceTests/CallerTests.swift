import Foundation
import Testing

@testable import KMSAPI
@testable import KMSService
@testable import TestSupport

/// The caller that a process is, in the system's user namespace and in others. This test supplies
/// what the kernel would report; the case `user-namespaces` uses real namespaces.
@Suite struct CallerTests {
  /// A namespace, the IDs of the process's user and the keystore's owner in it, and the resulting
  /// caller.
  struct Row: Sendable {
    var root: uid_t?
    var map: String
    var uid: uid_t
    var owner: uid_t
    var caller: Caller
    var line: Int

    init(
      _ root: uid_t?, _ map: String, uid: uid_t, owner: uid_t, _ caller: Caller,
      line: Int = #line
    ) {
      self.root = root
      self.map = map
      self.uid = uid
      self.owner = owner
      self.caller = caller
      self.line = line
    }
  }

  static let all = "         0          0 4294967295\n"
  static let names: [uid_t: String] = [
    0: "root", 34: "backup", 1000: "owner", 1001: "eve", 65534: "nobody",
  ]

  static func known(_ name: String, isOwner: Bool = false) -> Caller {
    Caller(userName: name, isOwner: isOwner)
  }

  static func unknown(_ id: String) -> Caller {
    Caller(userName: "user-namespace:\(id)", isOwner: false, isKnown: false)
  }

  static let rows: [Row] = [
    // The system's own namespace, and every other in which all users have their own IDs.
    Row(0, all, uid: 1000, owner: 1000, known("owner", isOwner: true)),
    Row(0, all, uid: 0, owner: 1000, known("root", isOwner: true)),
    Row(0, all, uid: 1001, owner: 1000, known("eve")),
    Row(0, all, uid: 1002, owner: 1000, known("1002")),
    Row(0, all, uid: 65534, owner: 65534, known("nobody", isOwner: true)),
    Row(0, all, uid: 65534, owner: 1000, known("nobody")),
    // Root left most users out of the map, as systemd's PrivateUsers= does. They share the ID of
    // nobody.
    Row(0, "0 0 1\n34 34 1", uid: 34, owner: 0, known("backup")),
    Row(0, "0 0 1\n34 34 1", uid: 34, owner: 65534, known("backup")),
    Row(0, "0 0 1\n34 34 1", uid: 0, owner: 65534, known("root", isOwner: true)),
    Row(0, "0 0 1\n65534 65534 1", uid: 65534, owner: 65534, known("nobody")),
    // Namespaces that the keystore's owner created: unshare -r, another ID, a rootless container.
    Row(65534, "0 1000 1", uid: 0, owner: 0, known("owner", isOwner: true)),
    Row(65534, "77 1000 1", uid: 77, owner: 77, known("owner", isOwner: true)),
    Row(65534, "0 1000 1\n1 100000 65536", uid: 0, owner: 0, known("owner", isOwner: true)),
    Row(65534, "0 1000 1\n1 100000 65536", uid: 33, owner: 0, known("100032")),
    // A container whose root is not root outside, with a keystore that belongs to its own users.
    Row(65534, "0 100000 65534", uid: 0, owner: 5, known("100000", isOwner: true)),
    Row(65534, "0 100000 65534", uid: 5, owner: 5, known("100005", isOwner: true)),
    Row(65534, "0 100000 65534", uid: 6, owner: 5, known("100006")),
    // Namespaces of another user, in which the keystore's owner has no ID.
    Row(65534, "0 1001 1", uid: 0, owner: 65534, unknown("1001")),
    Row(65534, "1000 1001 1", uid: 1000, owner: 65534, unknown("1001")),
    Row(65534, "65534 1001 1", uid: 65534, owner: 65534, unknown("1001")),
    Row(65534, "0 0 1", uid: 0, owner: 65534, unknown("0")),
    Row(65534, "0 1000 1", uid: 0, owner: 65534, unknown("1000")),
    Row(65534, "", uid: 65534, owner: 65534, unknown("unknown")),
    Row(65534, "0 0 4294967295", uid: 0, owner: 65534, unknown("0")),
    // The owner has an ID, but this process does not.
    Row(65534, "0 1000 1", uid: 65534, owner: 0, unknown("unknown")),
    // A system with another overflow ID for users without an ID.
    Row(99, "0 1001 1", uid: 0, owner: 99, unknown("1001")),
    Row(99, "99 1001 1", uid: 99, owner: 99, unknown("1001")),
    // The kernel gives no answer.
    Row(nil, "0 0 4294967295", uid: 0, owner: 0, unknown("0")),
    Row(nil, "", uid: 1000, owner: 1000, unknown("unknown")),
  ]

  @Test(arguments: rows) func whoThatIs(row: Row) {
    let caller = Caller(
      uid: row.uid, keystoreOwner: row.owner,
      in: UserNamespace(rootID: row.root, map: row.map), names: { Self.names[$0] })
    #expect(caller == row.caller, "line \(row.line)")
  }

  @Test(arguments: ["0 0", "x 0 1", "0 0 4294967296", "-1 0 1", "0 0 1 2"])
  func whatIsNoMapMapsNobody(text: String) {
    #expect(UserNamespace(rootID: 65534, map: text).outsideID(of: 0) == nil)
  }

  @Test func theEdgesOfARange() {
    let namespace = UserNamespace(rootID: 65534, map: "10 100 5\n4294967290 200 5")
    #expect(namespace.outsideID(of: 9) == nil)
    #expect(namespace.outsideID(of: 10) == 100)
    #expect(namespace.outsideID(of: 14) == 104)
    #expect(namespace.outsideID(of: 15) == nil)
    #expect(namespace.outsideID(of: 4_294_967_294) == 204)
    #expect(namespace.outsideID(of: .max) == nil)
  }

  /// An unknown caller may not use a key, even if the policy allows everybody, because another
  /// statement may deny that caller.
  @Test func whoIsNotKnownMayDoNothing() throws {
    let keystore = try TestKeystore()
    let owner = keystore.service
    let key = try owner.createKey(alias: "alias/a").keyID
    let blob = try owner.encrypt("text", under: key)
    let wrapped = try TestWrapping.wrap(try owner.wrappingKeyring(key))
    try owner.perform(
      PutKeyPolicyRequest(
        keyID: key,
        policy: """
          {"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::000000000000:user/eve"},
             "Action": "kms:*", "Resource": "*"}
          ]}
          """))
    let grant = try owner.perform(
      CreateGrantRequest(
        keyID: key, granteePrincipal: Self.unknown("1001").arn,
        operations: [.decrypt, .retireGrant]))
    let stranger = try keystore.service(for: Self.known("stranger"))
    #expect(try stranger.decrypt(blob) == "text")
    let nobody = try keystore.service(for: Self.unknown("1001"))
    let attempts: [(String, () throws -> Void)] = [
      ("Decrypt", { _ = try nobody.decrypt(blob) }),
      ("Encrypt", { _ = try nobody.encrypt("x", under: "alias/a") }),
      ("DescribeKey", { _ = try nobody.describe(key) }),
      ("CreateKey", { _ = try nobody.createKey() }),
      ("RetireGrant", { try nobody.perform(RetireGrantRequest(grantToken: grant.grantToken)) }),
      ("GenerateDataKey", { _ = try nobody.wrappingKeyring(key) }),
      (
        "Decrypt",
        { _ = try TestWrapping.unwrap(KeystoreKeyring(nobody, unwrappingUnder: nil), wrapped) }
      ),
      ("RemoveProtector", { try nobody.removeProtector("x") }),
    ]
    for (name, body) in attempts {
      let error = #expect(throws: KeyServiceError.self, "\(name)") { try body() }
      guard case .unknownCaller(let text) = error else {
        Issue.record("\(name): \(String(describing: error))")
        continue
      }
      #expect(text.contains("user/user-namespace:1001") && text.contains(name), "\(text)")
    }
    // The audit log says that the ID is only the ID that the namespace reports.
    var callers: Set<String> = []
    try nobody.readAuditLog { _, record in
      if record.errorCode == "AccessDeniedException" { callers.insert(record.caller) }
    }
    #expect(callers == ["arn:aws:iam::000000000000:user/user-namespace:1001"])
  }

  /// The name comes from the system of the reader and not from the caller's.
  @Test func namesOfTheUnknownAreTheReaders() {
    let arn = "arn:aws:iam::000000000000:user/"
    #expect(Caller.displayName(ofARN: arn + "eve") == "eve")
    #expect(Caller.displayName(ofARN: arn + "user-namespace:0") == "user-namespace:0(root?)")
    #expect(
      Caller.displayName(ofARN: arn + "user-namespace:4294967295") == "user-namespace:4294967295")
    #expect(Caller.displayName(ofARN: arn + "user-namespace:unknown") == "user-namespace:unknown")
  }
}
