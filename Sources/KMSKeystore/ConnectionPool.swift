/// The open connections of a keystore, and the number of threads at each of them. It grows if a
/// thread finds all of them in use.
struct ConnectionPool {
  /// A connection that a thread has taken.
  struct Lease {
    let connection: KeystoreConnection
    fileprivate let index: Int
  }

  private var leases: [(connection: KeystoreConnection, threads: Int)]
  private let mostConnections: Int
  /// True while a thread opens a connection.
  private var isGrowing = false
  /// The time before which no connection is opened, because the last one could not be opened.
  private var pause: ContinuousClock.Instant?

  private static let lengthOfPause = Duration.seconds(1)

  init(_ first: KeystoreConnection, mostConnections: Int) {
    leases = [(first, 0)]
    self.mostConnections = mostConnections
  }

  var connections: [KeystoreConnection] { leases.map(\.connection) }

  /// The number of threads that use a connection or wait for one.
  var threadCount: Int { leases.reduce(0) { $0 + $1.threads } }

  /// The connection that this thread uses; nil if it uses none.
  var connectionOfThisThread: KeystoreConnection? {
    leases.first { $0.connection.isUsedByThisThread }?.connection
  }

  /// Takes the first connection, which may be in use.
  mutating func takeFirst() -> Lease { take(0) }

  /// Takes a connection that no thread uses, or the one that the fewest threads use. Returns nil if
  /// the caller must open another one instead, and then call `take(opened:)`.
  mutating func take() -> Lease? {
    let best = indexOfLeastUsed
    if leases[best].threads > 0, mayGrow {
      isGrowing = true
      return nil
    }
    return take(best)
  }

  /// Adds a connection and takes it. If it is nil, because it could not be opened, takes the one
  /// that the fewest threads use.
  mutating func take(opened connection: KeystoreConnection?) -> Lease {
    isGrowing = false
    if let connection {
      leases.append((connection, 0))
    } else {
      pause = .now + Self.lengthOfPause
    }
    return take(indexOfLeastUsed)
  }

  mutating func giveBack(_ lease: Lease) { leases[lease.index].threads -= 1 }

  private mutating func take(_ index: Int) -> Lease {
    precondition(connectionOfThisThread == nil, "a thread is in one transaction at a time")
    leases[index].threads += 1
    return Lease(connection: leases[index].connection, index: index)
  }

  private var indexOfLeastUsed: Int {
    leases.indices.min { leases[$0].threads < leases[$1].threads }!
  }

  private var mayGrow: Bool {
    !isGrowing && leases.count < mostConnections && pause.map { $0 <= .now } ?? true
  }
}
