import Foundation
import Testing

@testable import KMSKeystore

@Suite struct VerifiedBucketsTests {
  let first = Data("first root".utf8)
  let second = Data("second root".utf8)

  func bucket(_ number: Int, byteCount: Int = 10) -> LedgerBucket {
    LedgerBucket(
      LedgerBucket.Name(text: String(number)), bytes: [UInt8](repeating: 1, count: byteCount))
  }

  @Test func aBucketIsKnownForItsRootOnly() {
    var buckets = VerifiedBuckets(mostBytes: 1 << 20)
    let bucket = bucket(1)
    buckets.keep(bucket, digest: [1], root: first)
    #expect(buckets.bucket(bucket.name, root: first)?.bytes == bucket.bytes)
    #expect(buckets.bucket(bucket.name, root: second) == nil)
    // A root that is back is known no longer, which costs a look at the digest.
    #expect(buckets.bucket(bucket.name, root: first) == nil)
  }

  @Test func aBucketBelongsToEveryRootWithItsDigest() {
    var buckets = VerifiedBuckets(mostBytes: 1 << 20)
    let bucket = bucket(1)
    buckets.keep(bucket, digest: [1], root: first)
    for wrong in [[2], [], nil] as [[UInt8]?] {
      #expect(buckets.bucket(bucket.name, digest: wrong, root: second) == nil)
      #expect(buckets.bucket(bucket.name, root: second) == nil)
    }
    #expect(buckets.bucket(bucket.name, digest: [1], root: second) != nil)
    #expect(buckets.bucket(bucket.name, root: second) != nil)
  }

  @Test func aBucketThatTheLedgerDoesNotHaveIsKnownToo() {
    var buckets = VerifiedBuckets(mostBytes: 1 << 20)
    let bucket = bucket(1, byteCount: 0)
    buckets.keep(bucket, digest: nil, root: first)
    #expect(buckets.bucket(bucket.name, digest: [1], root: first) == nil)
    #expect(buckets.bucket(bucket.name, digest: nil, root: second) != nil)
  }

  @Test func onlySoManyBytesAreKept() {
    var buckets = VerifiedBuckets(mostBytes: 100_000)
    for number in 0..<1000 {
      buckets.keep(bucket(number, byteCount: 1000), digest: [1], root: first)
      // One that is used all the time is kept.
      #expect(buckets.bucket(LedgerBucket.Name(text: "0"), root: first) != nil)
    }
    let known = (0..<1000).filter {
      buckets.bucket(LedgerBucket.Name(text: String($0)), root: first) != nil
    }
    #expect((40..<100).contains(known.count), "\(known.count)")
    #expect(known.last == 999)
  }
}
