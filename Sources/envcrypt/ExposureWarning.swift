import KMSKeystore
import SystemPackage

/// A warning about a keystore without a passphrase or key file, in a place that others can access.
struct ExposureWarning {
  let message: String
  let hint: String

  /// Nil if there are no exposures.
  init?(_ exposures: [KeystoreExposure], of path: FilePath) {
    guard let first = exposures.first else { return nil }
    let reasons = exposures.map(Self.reason).joined(separator: "; ")
    message =
      "the keystore \(Text.printable(path)) is not protected by a passphrase or key file, and \(reasons)"
    hint =
      switch first {
      case .writableDirectory(let directory, _): "chmod go-w -- \(Text.shellQuoted(directory))"
      case .remote, .foreignDirectory:
        "envcrypt keystore protector add passphrase, and remove the protector of type none"
      }
  }

  static func reason(_ exposure: KeystoreExposure) -> String {
    switch exposure {
    case .remote(let name): "it is on a shared file system (\(name))"
    case .writableDirectory(let directory, let permissions):
      "others may replace it: \(Text.printable(directory)) has mode 0\(String(permissions, radix: 8))"
    case .foreignDirectory(let directory, let owner):
      "others may replace it: \(Text.printable(directory)) belongs to user \(owner)"
    }
  }
}

extension Console {
  func warn(_ exposures: [KeystoreExposure], of path: FilePath) {
    guard let warning = ExposureWarning(exposures, of: path) else { return }
    self.warning(warning.message, hint: warning.hint)
  }
}
