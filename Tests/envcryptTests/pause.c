// Preloaded into the tool, this library stops the process when its work is done, so that a test can
// search its memory. It also keeps that memory readable: prctl does nothing.
#include <signal.h>
#include <sys/prctl.h>

int prctl(int option, ...) {
  (void)option;
  return 0;
}

__attribute__((destructor)) static void pause_at_end(void) { raise(SIGSTOP); }
