import Foundation

/// A key, or one version of its imported material, that is past its date by the clock and not destroyed yet.
package struct DueDestruction: Equatable, Sendable {
  package let keyID: String
  /// Nil for the whole key.
  package let version: Int?
  /// Its date: from then on it counts as gone.
  package let dueDate: Date
  /// When a command first found it due. Nil if none has.
  package let foundDueDate: Date?
}

/// All that waits to be destroyed at some time, the oldest first.
package struct DueDestructions: Equatable, Sendable {
  package let time: Date
  package let items: [DueDestruction]
}

extension KeyService {
  /// All that waits to be destroyed. Nothing is verified: good for showing it.
  package func dueDestructions() throws -> DueDestructions {
    let call = begin(.listKeys)
    return try call.read { view in
      let keys = try view.masterKeysToDelete(at: call.now)
      let gone = Set(keys.map(\.id))
      let versions = try view.versionsToExpire(at: call.now)
      let items =
        keys.map { key in
          DueDestruction(
            keyID: key.id, version: nil, due: key.deletionDate, found: key.foundDueDate)
        }
        + versions.filter { !gone.contains($0.keyID) }.map { version in
          DueDestruction(
            keyID: version.keyID, version: Int(version.version), due: version.validTo,
            found: version.foundDueDate)
        }
      return DueDestructions(
        time: Date(milliseconds: call.now), items: items.sorted { $0.dueDate < $1.dueDate })
    }
  }

  /// Destroys what was due when `due` was asked for, and no more, without waiting for a second command. Only
  /// the keystore's owner may. Returns what was destroyed.
  package func destroy(_ due: DueDestructions) throws -> [DueDestruction] {
    try managing(.destroyDue) { call in
      let destroyed = try call.destroyDue(at: due.time.milliseconds)
      return due.items.filter { item in
        destroyed.contains { $0.keyID == item.keyID && $0.version == Int64(item.version ?? 0) }
      }
    }
  }
}

extension DueDestruction {
  fileprivate init(keyID: String, version: Int?, due: Int64?, found: Int64?) {
    self.init(
      keyID: keyID, version: version, dueDate: Date(milliseconds: due ?? 0),
      foundDueDate: found.map(Date.init(milliseconds:)))
  }
}
