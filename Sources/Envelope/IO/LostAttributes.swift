import Synchronization
import SystemPackage

/// The attributes that a run could not give to its outputs, so that it can warn once of each kind.
package final class LostAttributes: Sendable {
  package enum Kind: CaseIterable, Sendable {
    case symbolicLink, hardLink, owner, mode, specialBits, times, extendedAttributes, acl
  }

  /// The losses of one kind: their number, and the path of the first.
  package struct Loss: Sendable {
    package let kind: Kind
    package var count: Int
    package let first: FilePath
  }

  private let losses = Mutex<[Loss]>([])

  package init() {}

  func note(_ kind: Kind, _ path: FilePath) {
    losses.withLock { losses in
      if let index = losses.firstIndex(where: { $0.kind == kind }) {
        losses[index].count += 1
      } else {
        losses.append(Loss(kind: kind, count: 1, first: path))
      }
    }
  }

  /// The losses, one of each kind, in the order of the kinds.
  package var all: [Loss] {
    let losses = losses.withLock { $0 }
    return Kind.allCases.compactMap { kind in losses.first { $0.kind == kind } }
  }
}
