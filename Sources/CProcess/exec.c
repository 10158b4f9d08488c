// Replaces this process by another program, which gets the signal actions that this process was
// started with.
#define _GNU_SOURCE
#include "include/CProcess.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

// The signals whose action this program changes. SIGCHLD gets its default action when a shell
// command is started.
enum { changedCount = 3 };
static const int changed[changedCount] = {SIGPIPE, SIGXFSZ, SIGCHLD};
static struct sigaction atStart[changedCount];
static bool isChanged;

void envcrypt_ignore_write_signals(void) {
  for (int index = 0; index < changedCount; index += 1) sigaction(changed[index], NULL, &atStart[index]);
  isChanged = true;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int envcrypt_replace_process(char *const arguments[], char *const environment[]) {
  struct sigaction now[changedCount];
  for (int index = 0; isChanged && index < changedCount; index += 1)
    sigaction(changed[index], &atStart[index], &now[index]);
  execvpe(arguments[0], arguments, environment);
  int failure = errno;
  for (int index = 0; isChanged && index < changedCount; index += 1) sigaction(changed[index], &now[index], NULL);
  return failure;
}
