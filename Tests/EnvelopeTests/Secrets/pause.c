// Preloaded into the tool, it stops the process when its work is done, so that a test can look at its memory, and
// leaves that memory readable meanwhile.
#include <signal.h>
#include <sys/prctl.h>

int prctl(int option, ...) {
  (void)option;
  return 0;
}

__attribute__((destructor)) static void pause_at_end(void) { raise(SIGSTOP); }
