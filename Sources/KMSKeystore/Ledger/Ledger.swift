import Envelope
import Foundation
import GRDB
import Synchronization

/// A list of the latest code of every record. It detects that a record was removed, or replaced by
/// an older one.
///
/// The list is a tree of buckets. The keystore's own authenticated record holds the root. Verifying
/// a record reads only a few small buckets, however many keys there are.
final class Ledger: Sendable {
  private struct State {
    /// The keystore's record that was verified last.
    var record: KeystoreRecord?
    /// The root that `buckets` belong to.
    var root: Data?
    var buckets: [LedgerBucket.Name: LedgerBucket] = [:]
  }

  /// Buckets that are verified already. They cannot change while the root is the same.
  private let state = Mutex(State())
  private static let mostKept = 256

  /// Returns a bucket, verified. Throws `editedRecord` if the table does not have the bucket that
  /// `root` requires.
  func bucket(_ name: LedgerBucket.Name, root: Data, _ db: Database) throws -> LedgerBucket {
    guard let parent = name.parent else { return LedgerBucket(name, bytes: Array(root)) }
    if let kept = kept(name, root: root) { return kept }
    let wanted = try bucket(parent, root: root, db)[name.entryName]
    let bytes = try LedgerBucket.fetch(name, db)
    let found = bytes.isEmpty ? nil : try Digest.sha256.hash(bytes)
    guard found == wanted else { throw KeystoreError.editedRecord(name.recordName) }
    let bucket = LedgerBucket(name, bytes: bytes)
    keep(bucket, root: root)
    return bucket
  }

  /// Changes a bucket with `change`, and returns the new root.
  func change(
    _ name: LedgerBucket.Name, root: Data, _ db: Database,
    _ change: (inout LedgerBucket) throws -> Void
  ) throws -> Data {
    // This throws if somebody else has edited the bucket, so such edits are never adopted.
    var bucket = try bucket(name, root: root, db)
    try change(&bucket)
    var changed: [LedgerBucket] = []
    while let parent = bucket.name.parent {
      let digest = try bucket.store(db)
      changed.append(bucket)
      let child = bucket.name
      bucket = try self.bucket(parent, root: root, db)
      try bucket.set(digest, for: child.entryName)
    }
    let newRoot = Data(bucket.bytes)
    advance(to: newRoot, changed)
    return newRoot
  }

  /// Replaces the whole table, and returns the root.
  static func replace(with entries: [LedgerBucket.Entry], _ db: Database) throws -> Data {
    try db.execute(sql: "DELETE FROM ledger")
    var listed = Dictionary(grouping: entries) { $0.name.bucket }
    func store(_ names: [LedgerBucket.Name]) throws {
      for name in names {
        let bucket = try LedgerBucket(name, entries: listed.removeValue(forKey: name) ?? [])
        guard let parent = name.parent, let digest = try bucket.store(db) else { continue }
        listed[parent, default: []].append(LedgerBucket.Entry(name: name.entryName, code: digest))
      }
    }
    // Store the buckets that list records first, and then their parents.
    try store(Array(listed.keys))
    try store(listed.keys.filter { $0 != .root })
    return Data(try LedgerBucket(.root, entries: listed[.root] ?? []).bytes)
  }

  // MARK: Verified already

  /// Calls `verify`, unless this record is the one that was verified last.
  func verifyOnce(_ record: KeystoreRecord, _ verify: (KeystoreRecord) throws -> Void) throws {
    if state.withLock({ $0.record == record }) { return }
    try verify(record)
    state.withLock { $0.record = record }
  }

  private func kept(_ name: LedgerBucket.Name, root: Data) -> LedgerBucket? {
    state.withLock { $0.root == root ? $0.buckets[name] : nil }
  }

  private func keep(_ bucket: LedgerBucket, root: Data) {
    state.withLock { state in
      if state.root != root || state.buckets.count >= Self.mostKept {
        state.buckets.removeAll()
        state.root = root
      }
      state.buckets[bucket.name] = bucket
    }
  }

  /// Buckets that were kept and did not change are valid under the new root.
  private func advance(to root: Data, _ changed: [LedgerBucket]) {
    state.withLock { state in
      state.root = root
      for bucket in changed { state.buckets[bucket.name] = bucket }
    }
  }
}
