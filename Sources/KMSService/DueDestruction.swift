import Foundation

/// A key, or one version of imported material, whose date has come according to the clock. It is
/// not destroyed yet.
package struct DueDestruction: Equatable, Sendable {
  package let keyID: String
  /// Nil for the whole key.
  package let version: Int?
  /// The deletion date of the key, or the expiration date of the material.
  package let dueDate: Date
  /// The date on which a command first found it due. Nil if none has.
  package let foundDueDate: Date?
}

/// Everything that is due to be destroyed at `time`, oldest first.
package struct DueDestructions: Equatable, Sendable {
  package let time: Date
  package let items: [DueDestruction]
}

extension KeyService {
  /// Returns everything that is due to be destroyed. Does not verify it, so use the result only to
  /// show it.
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

  /// Destroys now what was due when `due` was made, and nothing else. Usually a later command does
  /// that, at least a day after the first one that found it due. Only the keystore's owner may do
  /// this. Returns the items of `due` that were destroyed.
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
