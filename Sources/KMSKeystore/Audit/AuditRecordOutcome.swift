import KMSAPI

extension AuditRecord {
  /// The error code of an operation that succeeded and was undone, because another operation of the
  /// same transaction failed.
  static let undone = "RolledBack"

  /// Changes the record of a successful operation: the operation was undone, because another
  /// operation of the transaction failed.
  package mutating func undo(because error: any Error) {
    guard errorCode.isEmpty else { return }
    errorCode = Self.undone
    let name = (error as? any RecordedError)?.name ?? "\(error)"
    errorMessage = Self.clipped("undone with the operations around it: \(name)")
  }

  package init(
    time: Int64, operation: String, caller: String, keyID: String, keyVersion: UInt32,
    context: [UInt8], requestID: [UInt8], error: (any Error)?
  ) {
    self.time = time
    self.operation = operation
    self.caller = caller
    self.keyID = keyID
    self.keyVersion = keyVersion
    self.context = context
    self.requestID = requestID
    switch error {
    case nil:
      errorCode = ""
      errorMessage = ""
    case let error as any RecordedError:
      errorCode = error.name
      errorMessage = Self.clipped(error.detail)
    case let error?:
      errorCode = "KMSInternalException"
      errorMessage = Self.clipped("\(error)")
    }
  }

  /// Returns the beginning of a text that may come from a user. A record that is too long could not
  /// be written.
  static func clipped(_ text: String) -> String {
    let limit = 2048
    if text.utf8.count <= limit { return text }
    return String(decoding: text.utf8.prefix(limit), as: UTF8.self)
  }
}
