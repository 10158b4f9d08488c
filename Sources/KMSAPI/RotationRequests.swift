import Foundation

/// EnableKeyRotation gives the key a new version after each rotation period. Existing ciphertexts
/// do not change, and every version can decrypt.
package struct EnableKeyRotationRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.enableKeyRotation
  /// The rotation periods that are allowed, in days.
  package static let periods = 90...2560

  package var keyID: String
  package var rotationPeriodInDays: Int?

  package init(keyID: String, rotationPeriodInDays: Int? = nil) {
    self.keyID = keyID
    self.rotationPeriodInDays = rotationPeriodInDays
  }
}

package struct DisableKeyRotationRequest: KeyServiceRequest {
  package typealias Response = EmptyResponse
  package static let operation = KeyServiceOperation.disableKeyRotation

  package var keyID: String

  package init(keyID: String) { self.keyID = keyID }
}

/// GetKeyRotationStatus reports that rotation is disabled if the key is pending deletion, because
/// such a key is not rotated.
package struct GetKeyRotationStatusRequest: KeyServiceRequest {
  package struct Response: Codable, Sendable {
    package let keyID: String
    package let keyRotationEnabled: Bool
    package let rotationPeriodInDays: Int?
    package let nextRotationDate: Date?

    package init(
      keyID: String, keyRotationEnabled: Bool, rotationPeriodInDays: Int?, nextRotationDate: Date?
    ) {
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

/// RotateKeyOnDemand does not change the dates of automatic rotation.
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

/// ListKeyRotations lists the versions after the first one, oldest first.
package struct ListKeyRotationsRequest: PagedRequest {
  package struct Entry: Codable, Equatable, Sendable {
    package let keyID: String
    package let keyMaterialID: String?
    package let keyMaterialDescription: String?
    /// Only keys with imported material have it.
    package let importState: ImportState?
    package let keyMaterialState: KeyMaterialState
    package let expirationModel: ExpirationModel?
    package let validTo: Date?
    /// Nil for the first version, and for a version that the key is still to be rotated to.
    package let rotationDate: Date?
    package let rotationType: RotationType?

    package init(
      keyID: String, keyMaterialID: String?, keyMaterialDescription: String?,
      importState: ImportState?, keyMaterialState: KeyMaterialState,
      expirationModel: ExpirationModel?, validTo: Date?, rotationDate: Date?,
      rotationType: RotationType?
    ) {
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
