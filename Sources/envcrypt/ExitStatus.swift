/// The exit statuses of the tool: those of `sysexits.h` that are used, and 3.
enum ExitStatus: Int32, CaseIterable {
  /// As in restic: the work is done, but an input changed while it was read.
  case inputChanged = 3
  case usage = 64
  case dataError = 65
  case noInput = 66
  case unavailable = 69
  case software = 70
  /// EX_OSERR: the system does not provide more memory, threads or processes. CProcess defines the
  /// same number.
  case systemError = 71
  case cannotCreate = 73
  case ioError = 74
  /// EX_TEMPFAIL: nothing was done, because DryRun was set.
  case dryRun = 75
  case noPermission = 77
  case configuration = 78
  /// As in env(1) and in a shell: the command exists, but cannot be run.
  case cannotRun = 126
  /// As in env(1) and in a shell: there is no such command.
  case commandNotFound = 127

  /// The order in which a run over several files decides: its exit status is the first of these
  /// that occurred. So a missing file never hides damage, and the result does not depend on the
  /// order of the inputs.
  static let precedence: [ExitStatus] = [
    .dataError, .noPermission, .unavailable, .configuration, .software, .systemError, .ioError,
    .cannotCreate, .usage, .noInput, .dryRun, .inputChanged, .cannotRun,
    .commandNotFound,
  ]

  /// Returns the status of a run in which `statuses` occurred; nil if there are none.
  static func first(of statuses: Set<ExitStatus>) -> ExitStatus? {
    precedence.first(where: statuses.contains)
  }
}
