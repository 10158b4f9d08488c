import Foundation

/// The buckets of a ledger that were verified and used last, up to a number of bytes.
///
/// Threads may use the ledger at different states of the keystore, because one of them may be
/// changing it. So each bucket is kept with its digest, and belongs to every state whose ledger has
/// this digest.
struct VerifiedBuckets {
  private struct Kept {
    let bucket: LedgerBucket
    /// Nil if the ledger has no such bucket.
    let digest: [UInt8]?
    /// The number of the root that the bucket was last found to belong to.
    var rootNumber: Int

    /// The approximate size in memory.
    var size: Int { bucket.bytes.count + 256 }
  }

  /// The buckets used since `older` was replaced.
  private var recent: [LedgerBucket.Name: Kept] = [:]
  private var older: [LedgerBucket.Name: Kept] = [:]
  private var recentBytes = 0
  private let mostBytes: Int
  /// The last root that was asked about. A number for it is faster to compare and to keep.
  private var root = Data()
  private var rootNumber = 0

  init(mostBytes: Int) { self.mostBytes = mostBytes }

  /// Returns a bucket that belongs to this root; nil if it is not known if the bucket does.
  mutating func bucket(_ name: LedgerBucket.Name, root: Data) -> LedgerBucket? {
    note(root)
    guard let kept = recall(name), kept.rootNumber == rootNumber else { return nil }
    return kept.bucket
  }

  /// Returns a bucket with this digest, which the ledger with this root lists.
  mutating func bucket(
    _ name: LedgerBucket.Name, digest: [UInt8]?, root: Data
  ) -> LedgerBucket? {
    note(root)
    guard var kept = recall(name), kept.digest == digest else { return nil }
    kept.rootNumber = rootNumber
    recent[name] = kept
    return kept.bucket
  }

  /// Keeps a bucket that was verified. Forgets the buckets that were not used for longest.
  mutating func keep(_ bucket: LedgerBucket, digest: [UInt8]?, root: Data) {
    note(root)
    older[bucket.name] = nil
    keep(Kept(bucket: bucket, digest: digest, rootNumber: rootNumber))
  }

  private mutating func note(_ root: Data) {
    if self.root == root { return }
    self.root = root
    rootNumber += 1
  }

  /// Returns a kept bucket, which counts as used now.
  private mutating func recall(_ name: LedgerBucket.Name) -> Kept? {
    if let kept = recent[name] { return kept }
    guard let kept = older.removeValue(forKey: name) else { return nil }
    keep(kept)
    return kept
  }

  private mutating func keep(_ kept: Kept) {
    recentBytes += kept.size - (recent[kept.bucket.name]?.size ?? 0)
    recent[kept.bucket.name] = kept
    if recentBytes <= mostBytes / 2 { return }
    older = recent
    recent = [:]
    recentBytes = 0
  }
}
