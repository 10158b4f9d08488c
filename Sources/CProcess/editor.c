// Starts the editor of the user.
#define _GNU_SOURCE
#include "include/CProcess.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int envcrypt_start_editor(const char *editor, const char *file, pid_t *process) {
  // The shell separates the arguments in `editor`, as it does for git and crontab. With the traps, it
  // does not end when Ctrl-C is typed in the editor, which gets the default actions.
  char *command;
  if (asprintf(&command, "trap : INT QUIT; %s \"$@\"", editor) < 0) return ENOMEM;
  posix_spawnattr_t attributes;
  int failure = posix_spawnattr_init(&attributes);
  if (failure == 0) {
    // No signal is blocked in the editor, and writing to a closed pipe ends it, as usual.
    sigset_t signals;
    sigemptyset(&signals);
    failure = posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGXFSZ);
    if (failure == 0) failure = posix_spawnattr_setsigdefault(&attributes, &signals);
    if (failure == 0) failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // If SIGCHLD were ignored, the kernel would discard the exit status of the editor.
    signal(SIGCHLD, SIG_DFL);
    char *arguments[] = {"sh", "-c", command, "editor", (char *)file, NULL};
    if (failure == 0) failure = posix_spawn(process, "/bin/sh", NULL, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
  }
  free(command);
  return failure;
}
