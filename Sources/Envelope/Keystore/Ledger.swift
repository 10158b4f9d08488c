import Foundation
import GRDB
import Synchronization

/// The list of the last code of every record, so that none is taken away unnoticed, and no older one put
/// back in the place of a later one.
///
/// A tree of buckets, of which the keystore's own authenticated record has the root's digest: to verify a
/// record takes to read a few small buckets, however many keys there are.
final class Ledger: Sendable {
  private struct State {
    /// The keystore's record as it was last found right.
    var record: KeystoreRecord?
    /// The root's digest to which `buckets` belong.
    var root: Data?
    var buckets: [LedgerBucket.Name: LedgerBucket] = [:]
  }

  /// Buckets that are verified already: the same digest of the root says that they are still the same.
  private let state = Mutex(State())
  private static let mostKept = 256

  /// What a bucket lists. Throws `editedRecord` where the table has something else than `root`, the root's
  /// digest, says.
  func bucket(_ name: LedgerBucket.Name, root: Data, _ db: Database) throws -> LedgerBucket {
    var way: [LedgerBucket.Name] = []
    var verified: LedgerBucket?
    var next: LedgerBucket.Name? = name
    while let name = next, verified == nil {
      verified = kept(name, root: root)
      if verified == nil { way.append(name) }
      next = name.parent
    }
    if let verified, way.isEmpty { return verified }
    let found = try LedgerBucket.fetch(way, db)
    // From the root's side down to the bucket.
    for name in way.reversed() {
      let bucket = found[name] ?? LedgerBucket(name)
      let isRight =
        if let verified { try bucket.digest() == verified[name.entryName] } else {
          try Self.rootDigest(of: bucket) == root
        }
      guard isRight else { throw KeystoreError.editedRecord(name.recordName) }
      keep(bucket, root: root)
      verified = bucket
    }
    return verified ?? LedgerBucket(name)
  }

  /// Lets `change` alter a bucket, and returns the digest that the root has then.
  func change(
    _ name: LedgerBucket.Name, root: Data, _ db: Database,
    _ change: (inout LedgerBucket) throws -> Void
  ) throws -> Data {
    // What somebody else has altered is found here, and not taken over.
    var bucket = try bucket(name, root: root, db)
    try change(&bucket)
    var changed = [bucket]
    while let parent = bucket.name.parent {
      let (child, digest) = (bucket.name, try bucket.digest())
      bucket = try self.bucket(parent, root: root, db)
      try bucket.set(digest, for: child.entryName, db)
      changed.append(bucket)
    }
    let newRoot = try Self.rootDigest(of: bucket)
    advance(to: newRoot, changed)
    return newRoot
  }

  /// Replaces the whole table. Returns the root's digest.
  static func replace(with entries: [LedgerBucket.Entry], _ db: Database) throws -> Data {
    try db.execute(sql: "DELETE FROM ledger")
    var level = Dictionary(grouping: entries) { $0.name.bucket }
    while true {
      var parents: [LedgerBucket.Name: [LedgerBucket.Entry]] = [:]
      // Leaves are of different depths.
      for (name, entries) in level {
        let bucket = LedgerBucket(name, entries: entries)
        guard let parent = name.parent else { continue }
        try bucket.insert(db)
        parents[parent, default: []].append(
          LedgerBucket.Entry(name: name.entryName, code: try bucket.digest() ?? Data()))
      }
      if let root = level[.root], level.count == 1 {
        let bucket = LedgerBucket(.root, entries: root)
        try bucket.insert(db)
        return try rootDigest(of: bucket)
      }
      if let waiting = level[.root] { parents[.root, default: []] += waiting }
      if parents.isEmpty { return try rootDigest(of: LedgerBucket(.root)) }
      level = parents
    }
  }

  /// The digest of the root bucket, which has one also when it is empty.
  static func rootDigest(of bucket: LedgerBucket) throws -> Data {
    try bucket.digest() ?? Data(Digest.sha256.hash([]))
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
