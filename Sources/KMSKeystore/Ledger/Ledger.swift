import Envelope
import Foundation
import GRDB
import Synchronization

/// A list of the current code of every record (`LedgerRecord.ledgerCode`). If a record was removed,
/// or replaced by an older one, it does not match the list.
///
/// The list is a tree of buckets. `KeystoreRecord` holds the root bucket, and has an authentication
/// code over it. So verifying a record reads only a few small buckets, even if there are many keys.
final class Ledger: Sendable {
  private struct State {
    /// The keystore's record that was verified last.
    var verifiedRecord: KeystoreRecord?
    var buckets = VerifiedBuckets(mostBytes: Ledger.mostBytesKept)
  }

  private let state = Mutex(State())
  /// The most bytes of verified buckets that are kept. The buckets of 100,000 keys take 20 MB.
  private static let mostBytesKept = 32 << 20

  /// Returns a bucket, verified. Throws `editedRecord` if the table does not have the bucket that
  /// `root` requires.
  func bucket(_ name: LedgerBucket.Name, root: Data, _ db: Database) throws -> LedgerBucket {
    guard let parent = name.parent else { return LedgerBucket(name, bytes: Array(root)) }
    if let kept = state.withLock({ $0.buckets.bucket(name, root: root) }) { return kept }
    let wanted = try bucket(parent, root: root, db)[name.entryName]
    if let kept = state.withLock({ $0.buckets.bucket(name, digest: wanted, root: root) }) {
      return kept
    }
    let bytes = try LedgerBucket.fetch(name, db)
    let found = bytes.isEmpty ? nil : try Digest.sha256.hash(bytes)
    guard found == wanted else { throw KeystoreError.editedRecord(name.recordName) }
    let bucket = LedgerBucket(name, bytes: bytes)
    state.withLock { $0.buckets.keep(bucket, digest: found, root: root) }
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
    var changed: [(bucket: LedgerBucket, digest: [UInt8]?)] = []
    while let parent = bucket.name.parent {
      let digest = try bucket.store(db)
      changed.append((bucket, digest))
      let child = bucket.name
      bucket = try self.bucket(parent, root: root, db)
      try bucket.set(digest, for: child.entryName)
    }
    let newRoot = Data(bucket.bytes)
    state.withLock { state in
      for (bucket, digest) in changed {
        state.buckets.keep(bucket, digest: digest, root: newRoot)
      }
    }
    return newRoot
  }

  /// Replaces the whole table, and returns the root.
  static func replace(with entries: [LedgerBucket.Entry], _ db: Database) throws -> Data {
    // Without a condition, SQLite would remove all pages in one step, which no limit ends.
    try db.execute(sql: "DELETE FROM ledger WHERE true")
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

  /// Calls `verify`, unless this record is the one that was verified last.
  func verifyOnce(_ record: KeystoreRecord, _ verify: (KeystoreRecord) throws -> Void) throws {
    if state.withLock({ $0.verifiedRecord == record }) { return }
    try verify(record)
    state.withLock { $0.verifiedRecord = record }
  }
}
