import Envelope
import Foundation
import KMSAPI
import KMSKeystore

extension EnableKeyRotationRequest: HandledRequest {
  package static let standardPeriod: Int64 = 365

  package func perform(in call: OperationCall) throws -> EmptyResponse {
    if let days = rotationPeriodInDays, !Self.periods.contains(days) {
      throw KeyServiceError.validation(
        "RotationPeriodInDays must be \(Self.periods.lowerBound) to \(Self.periods.upperBound), "
          + "not \(days)")
    }
    let conditions = try call.conditions(
      nil,
      [.rotationPeriodInDays: ["\(rotationPeriodInDays ?? Int(Self.standardPeriod))"]])
    try call.change(keyID, conditions) { record, _ in
      try record.requireAutomaticRotation()
      let period = rotationPeriodInDays.map { Int64($0) } ?? Self.standardPeriod
      let next = call.now + period * millisecondsPerDay
      // If rotation is enabled already, the next date is not put off. If that date is more than one
      // period away, the clock was ahead when the date was set, and the date is set again.
      if record.rotationPeriodInDays != period || record.nextRotationDate.map({ $0 > next }) ?? true
      {
        record.rotationPeriodInDays = period
        record.nextRotationDate = next
      }
    }
    return EmptyResponse()
  }
}

extension DisableKeyRotationRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> EmptyResponse {
    try call.change(keyID, .none) { record, _ in
      try record.requireAutomaticRotation()
      record.rotationPeriodInDays = nil
      record.nextRotationDate = nil
    }
    return EmptyResponse()
  }
}

extension GetKeyRotationStatusRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let record = try call.read { try call.admit(keyID, .none, in: $0).record }
    try record.requireRotatableSpec()
    let period = record.state == .pendingDeletion ? nil : record.rotationPeriodInDays
    return Response(
      keyID: KeyName.arn(ofKey: record.id), keyRotationEnabled: period != nil,
      rotationPeriodInDays: period.map { Int($0) },
      nextRotationDate: period == nil ? nil : record.nextRotationDate.map(Date.init(milliseconds:)))
  }
}

extension RotateKeyOnDemandRequest: HandledRequest {
  /// The maximum number of on-demand rotations of a key.
  static let limit = 25

  package func perform(in call: OperationCall) throws -> Response {
    let (record, _) = try call.change(keyID, .none) { record, transaction in
      try record.requireRotatableSpec()
      guard try transaction.onDemandRotationCount(ofKey: record.id) < Self.limit else {
        throw KeyServiceError.limitExceeded(
          "a key can be rotated on demand at most \(Self.limit) times")
      }
      if record.origin == .external {
        try Self.takeImported(&record, in: call, transaction)
      } else {
        try transaction.rotate(&record, .onDemand, at: call.now)
      }
    }
    return Response(keyID: KeyName.arn(ofKey: record.id))
  }

  /// Makes the imported material that waits for rotation the current version.
  private static func takeImported(
    _ record: inout MasterKeyRecord, in call: OperationCall, _ transaction: KeystoreTransaction
  ) throws {
    guard var next = try transaction.version(record.currentVersion + 1, ofKey: record.id),
      next.isUsable(at: call.now)
    else {
      throw KeyServiceError.nothingToRotateTo(keyID: record.id)
    }
    next.rotationType = .onDemand
    next.creationDate = call.now
    try transaction.update(next)
    record.currentVersion = next.version
    try transaction.noteExpiry(of: &record)
  }
}

extension ListKeyRotationsRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let page = try Page(limit: limit, marker: marker, standard: 100)
    let (record, versions) = try call.read { view in
      let record = try call.admit(keyID, .none, in: view).record
      return (record, try view.versions(ofKey: record.id))
    }
    try record.requireRotatableSpec()
    let all = includeKeyMaterial == .allKeyMaterial
    let listed = versions.filter { all || $0.rotationType != nil }
    let (items, nextMarker, truncated) = try page.cut(whole: listed) { "\($0.version)" }
    return Response(
      rotations: items.map { Entry($0, of: record, at: call.now) }, nextMarker: nextMarker,
      truncated: truncated)
  }
}

extension MasterKeyRecord {
  func requireRotatableSpec() throws(KeyServiceError) {
    guard spec.isRotatable else {
      throw .unsupportedOperation(
        "a key of the spec \(spec.rawValue) cannot be rotated: only symmetric encryption keys can")
    }
  }

  func requireAutomaticRotation() throws(KeyServiceError) {
    try requireRotatableSpec()
    guard origin == .awsKMS else {
      throw .unsupportedOperation(
        "key \(id) has imported material: it is rotated on demand, to other material that was "
          + "imported")
    }
  }
}

extension ListKeyRotationsRequest.Entry {
  init(_ version: KeyVersionRecord, of record: MasterKeyRecord, at now: Int64) {
    let isImported = record.origin == .external
    // Expired material counts as gone, even if it is not destroyed yet.
    let isThere = version.isUsable(at: now)
    self.init(
      keyID: record.id,
      keyMaterialID: version.materialID,
      keyMaterialDescription: version.materialDescription,
      importState: isImported ? (isThere ? .imported : .pendingImport) : nil,
      keyMaterialState: version.version == record.currentVersion
        ? .current : version.version < record.currentVersion ? .nonCurrent : .pendingRotation,
      expirationModel: isImported && isThere
        ? (version.validTo == nil ? .keyMaterialDoesNotExpire : .keyMaterialExpires) : nil,
      validTo: isThere ? version.validTo.map(Date.init(milliseconds:)) : nil,
      rotationDate: version.rotationType.map { _ in Date(milliseconds: version.creationDate) },
      rotationType: version.rotationType)
  }
}
