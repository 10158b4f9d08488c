// Starts a shell command that has no input.
#define _GNU_SOURCE
#include "include/CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Returns the environment with `setting`, which is a name and '=', in the place of the variable of
// that name. The caller frees the array. NULL if memory runs out.
static char **environmentEmptying(const char *setting) {
  size_t count = 0, length = strlen(setting);
  while (environ && environ[count]) count += 1;
  char **entries = calloc(count + 2, sizeof *entries);
  if (!entries) return NULL;
  size_t kept = 0;
  for (size_t index = 0; index < count; index += 1) {
    if (strncmp(environ[index], setting, length) != 0) entries[kept++] = environ[index];
  }
  entries[kept] = (char *)setting;
  return entries;
}

int envcrypt_start_shell(const char *command, const char *setting, struct envcrypt_shell *shell) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  char **environment = environmentEmptying(setting);
  int failure = environment ? posix_spawn_file_actions_init(&actions) : ENOMEM;
  if (failure == 0) {
    failure = posix_spawnattr_init(&attributes);
    if (failure == 0) failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failure == 0) failure = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    // No signal is blocked in the command, whichever thread starts it. This program ignores
    // SIGPIPE, so the command gets its default action. Other signals that are ignored were ignored
    // when this program was started, and stay ignored.
    sigset_t signals;
    sigemptyset(&signals);
    if (failure == 0) failure = posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    if (failure == 0) failure = posix_spawnattr_setsigdefault(&attributes, &signals);
    if (failure == 0) failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // If SIGCHLD were ignored, the kernel would discard the exit status of the command.
    signal(SIGCHLD, SIG_DFL);
    char *arguments[] = {"sh", "-c", (char *)command, NULL};
    if (failure == 0) failure = posix_spawn(&shell->process, "/bin/sh", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  free(environment);
  close(ends[1]);
  if (failure != 0) {
    close(ends[0]);
    return failure;
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  shell->output = ends[0];
#ifdef SYS_pidfd_open
  shell->end = (int)syscall(SYS_pidfd_open, shell->process, 0);
#else
  shell->end = -1;
#endif
  return 0;
}
