import KMSAPI
import KMSKeystore

/// Operations that share one transaction: all of them take effect, or none does. Each one is
/// decided and recorded as if it were alone.
package final class ServiceTransaction {
  let service: KeyService
  package let transaction: KeystoreTransaction
  /// The records of the operations, which are appended before the transaction ends.
  private var records: [AuditRecord] = []
  private var versions: [VersionUse] = []

  fileprivate init(_ service: KeyService, _ transaction: KeystoreTransaction) {
    self.service = service
    self.transaction = transaction
  }

  /// Carries out a request of the API within the transaction.
  @discardableResult
  package func perform<Request: HandledRequest>(_ request: Request) throws -> Request.Response {
    try service.recording(OperationCall(Request.operation, of: service, within: self)) {
      try request.perform(in: $0)
    }
  }

  func add(_ records: [AuditRecord], of versions: [VersionUse]) {
    self.records += records
    self.versions += versions
  }

  fileprivate func record() throws {
    if !records.isEmpty { try service.host.trail()?.add(records, of: versions) }
  }

  /// Notes in each record that its operation was undone.
  fileprivate func undo(because error: any Error) {
    for index in records.indices { records[index].undo(because: error) }
  }
}

extension OperationCall {
  /// Runs `body`, and the operations that it performs, in one transaction. The operations are
  /// recorded before the transaction ends.
  package func transaction<Value>(_ body: (ServiceTransaction) throws -> Value) throws -> Value {
    var shared: ServiceTransaction?
    do {
      return try write { transaction in
        let operations = ServiceTransaction(service, transaction)
        shared = operations
        let value = try body(operations)
        try operations.record()
        return value
      }
    } catch {
      // None of the operations has taken effect, even if their records are in the log already.
      shared?.undo(because: error)
      try shared?.record()
      throw error
    }
  }
}
