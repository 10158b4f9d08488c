import CLinux
import Glibc

/// Keeps the process's memory from other processes of the same user.
enum ProcessPrivacy {
  /// From now on there are no core dumps, and only root can trace the process or read its memory.
  /// Programs that it starts may be traced as ever.
  static func begin() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = envcrypt_set_not_dumpable()
  }
}
