import Foundation
import GRDB
import Synchronization

/// The list of the last code of every record, so that none is taken away unnoticed, and no older one put
/// back in the place of a later one.
///
/// A tree of buckets, whose root the keystore's own authenticated record holds: to verify a record takes to
/// read a few small buckets, however many keys there are.
final class Ledger: Sendable {
  private struct State {
    /// The keystore's record as it was last found right.
    var record: KeystoreRecord?
    /// The root to which `buckets` belong.
    var root: Data?
    var buckets: [LedgerBucket.Name: LedgerBucket] = [:]
  }

  /// Buckets that are verified already: under the same root they are still the same.
  private let state = Mutex(State())
  private static let mostKept = 256

  /// What a bucket lists. Throws `editedRecord` where the table has something else than `root` says.
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

  /// Lets `change` alter a bucket, and returns the root that there is then.
  func change(
    _ name: LedgerBucket.Name, root: Data, _ db: Database,
    _ change: (inout LedgerBucket) throws -> Void
  ) throws -> Data {
    // What somebody else has altered is found here, and not taken over.
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

  /// Replaces the whole table. Returns the root.
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
    // First those that list records, then those that list these.
    try store(Array(listed.keys))
    try store(listed.keys.filter { $0 != .root })
    return Data(try LedgerBucket(.root, entries: listed[.root] ?? []).bytes)
  }

  // MARK: What is verified already

  /// Calls `verify` unless it found the same record right before.
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

  /// What is kept and did not change is the same under the new root.
  private func advance(to root: Data, _ changed: [LedgerBucket]) {
    state.withLock { state in
      state.root = root
      for bucket in changed { state.buckets[bucket.name] = bucket }
    }
  }
}
