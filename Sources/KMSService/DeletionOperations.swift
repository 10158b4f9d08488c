import Envelope
import Foundation
import KMSAPI

extension ScheduleKeyDeletionRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let days = pendingWindowInDays ?? Self.windows.upperBound
    guard Self.windows.contains(days) else {
      throw KeyServiceError.validation(
        "PendingWindowInDays must be \(Self.windows.lowerBound) to \(Self.windows.upperBound), "
          + "not \(days)")
    }
    let conditions = try call.conditions(
      nil, [.scheduleKeyDeletionPendingWindowInDays: ["\(days)"]])
    let (record, date) = try call.change(keyID, conditions) { record, _ in
      // If the clock shows a time before the key's creation, it is behind. That must not make the
      // waiting period shorter.
      let date = max(call.now, record.creationDate) + Int64(days) * millisecondsPerDay
      record.state = .pendingDeletion
      record.deletionDate = date
      return date
    }
    return Response(
      keyID: KeyName.arn(ofKey: record.id), deletionDate: Date(milliseconds: date),
      keyState: record.state, pendingWindowInDays: days)
  }
}

extension CancelKeyDeletionRequest: HandledRequest {
  package func perform(in call: OperationCall) throws -> Response {
    let (record, _) = try call.change(keyID, .none) { record, transaction in
      record.deletionDate = nil
      record.foundDueDate = nil
      // If material of the key was never imported, or was deleted in the meantime, the key still
      // waits for it.
      let isComplete = try transaction.noteExpiry(of: &record)
      record.state = isComplete ? .disabled : .pendingImport
    }
    return Response(keyID: KeyName.arn(ofKey: record.id))
  }
}
