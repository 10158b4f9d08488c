// Runs one command and reports its cost.
//
//   launch DESCRIPTOR COMMAND [ARGUMENT ...]
//
// Writes to the descriptor: start and end on the monotonic clock, user and system time in seconds,
// peak resident memory in KiB, and the status from wait4. Linux counts the memory of the forking
// process towards the peak of its child. This process uses almost none, while an interpreter uses
// more than most of the measured programs.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { not_started = 127 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec * 1e-6; }

int main(int count, char **arguments) {
  if (count < 3) return 2;
  int report = atoi(arguments[1]);
  fcntl(report, F_SETFD, FD_CLOEXEC);
  double begin = now();
  pid_t child = fork();
  if (child < 0) return not_started;
  if (child == 0) {
    // The measured command does not outlive the measurement.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(arguments[2], arguments + 2);
    fprintf(stderr, "%s: %s\n", arguments[2], strerror(errno));
    _exit(not_started);
  }
  // A pipe ends when the command closes it, so this process must not keep it open.
  close(0);
  close(1);
  int status;
  struct rusage usage;
  while (wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) return not_started;
  dprintf(report, "%.9f %.9f %.6f %.6f %ld %d\n", begin, now(), seconds(usage.ru_utime),
          seconds(usage.ru_stime), usage.ru_maxrss, status);
  return 0;
}
