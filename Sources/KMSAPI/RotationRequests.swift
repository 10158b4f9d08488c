import Foundation

/// EnableKeyRotation: the key gets a new version whenever the period is over. What is encrypted stays
/// as it is, and every version decrypts.
package struct EnableKeyRotationRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.enableKeyRotation
  /// Days.
  package static let periods = 90...2560

  package var keyID: String
  package var rotationPeriodInDays: Int?

  package init(keyID: String, rotationPeriodInDays: Int? = nil) {
    self.keyID = keyID
    self.rotationPeriodInDays = rotationPeriodInDays
  }
}

/// DisableKeyRotation.
package struct DisableKeyRotationRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.disableKeyRotation

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}

/// GetKeyRotationStatus. A key pending deletion is not rotated, and says so.
package struct GetKeyRotationStatusRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let keyRotationEnabled: Bool
    package let rotationPeriodInDays: Int?
    package let nextRotationDate: Date?

    package init(keyID: String, keyRotationEnabled: Bool, rotationPeriodInDays: Int?, nextRotationDate: Date?) {
      self.keyID = keyID
      self.keyRotationEnabled = keyRotationEnabled
      self.rotationPeriodInDays = rotationPeriodInDays
      self.nextRotationDate = nextRotationDate
    }
  }
  package static let operation = KeyServiceOperation.getKeyRotationStatus

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}

/// RotateKeyOnDemand, which leaves the dates of automatic rotation as they are.
package struct RotateKeyOnDemandRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String

    package init(keyID: String) {
      self.keyID = keyID
    }
  }
  package static let operation = KeyServiceOperation.rotateKeyOnDemand

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}

/// ListKeyRotations: the versions after the first, the oldest first.
package struct ListKeyRotationsRequest: PagedRequest {
  package struct Entry: Codable, Equatable, Sendable {
    package let keyID: String
    package let keyMaterialID: String?
    package let keyMaterialDescription: String?
    /// Of keys whose material is imported.
    package let importState: ImportState?
    package let keyMaterialState: KeyMaterialState
    package let expirationModel: ExpirationModel?
    package let validTo: Date?
    /// Absent for the first version, and one that is still to be rotated to.
    package let rotationDate: Date?
    package let rotationType: RotationType?

    package init(keyID: String, keyMaterialID: String?, keyMaterialDescription: String?, importState: ImportState?, keyMaterialState: KeyMaterialState, expirationModel: ExpirationModel?, validTo: Date?, rotationDate: Date?, rotationType: RotationType?) {
      self.keyID = keyID
      self.keyMaterialID = keyMaterialID
      self.keyMaterialDescription = keyMaterialDescription
      self.importState = importState
      self.keyMaterialState = keyMaterialState
      self.expirationModel = expirationModel
      self.validTo = validTo
      self.rotationDate = rotationDate
      self.rotationType = rotationType
    }
  }
  package struct Response: PagedResponse, Codable, Sendable {
    package private(set) var rotations: [Entry]
    package var nextMarker: String?
    package var truncated: Bool?

    package init(rotations: [Entry], nextMarker: String? = nil, truncated: Bool? = nil) {
      self.rotations = rotations
      self.nextMarker = nextMarker
      self.truncated = truncated
    }

    package mutating func append(_ next: Self) { rotations += next.rotations }
  }
  package static let operation = KeyServiceOperation.listKeyRotations

  package var keyID: String
  package var includeKeyMaterial: IncludeKeyMaterial?
  package var limit: Int?
  package var marker: String?

  package init(
    keyID: String, includeKeyMaterial: IncludeKeyMaterial? = nil, limit: Int? = nil,
    marker: String? = nil
  ) {
    self.keyID = keyID
    self.includeKeyMaterial = includeKeyMaterial
    self.limit = limit
    self.marker = marker
  }
}
