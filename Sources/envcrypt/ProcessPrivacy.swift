import CLinux
import Glibc

/// Protects the memory of the process from other processes of the same user.
enum ProcessPrivacy {
  /// Disables core dumps. After this, only root can trace the process or read its memory. Programs
  /// that it starts can still be traced.
  static func begin() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = envcrypt_set_not_dumpable()
  }
}
