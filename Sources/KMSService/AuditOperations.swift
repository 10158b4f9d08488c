import Envelope
import KMSAPI
import KMSKeystore

/// The names of the operations that the audit log records.
package enum AuditOperations {
  private static let all =
    KeyServiceOperation.allCases.filter(\.isRecorded).map(\.rawValue)
    + StoreOperation.allCases.map(\.rawValue) + ServiceEvent.Name.allCases.map(\.rawValue)
    + ["ExportKey", "ImportKey"]

  /// Returns "GenerateDataKey" for this name in upper or lower case, for "generate-data-key", and
  /// for "kms:GenerateDataKey". Nil if no record has such a name.
  package static func name(of text: String) -> String? {
    let wanted = plain(text)
    return all.first { plain($0) == wanted }
  }

  /// Returns the name that was probably meant.
  package static func nearest(to text: String) -> String? {
    NearestName.find(plain(text), in: all)
  }

  private static func plain(_ text: String) -> String {
    let text = text.lowercased()
    return (text.hasPrefix("kms:") ? String(text.dropFirst(4)) : text).replacing("-", with: "")
  }
}
