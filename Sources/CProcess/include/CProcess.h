// What the process does that Swift cannot: when memory has run out, in a signal handler, before another program begins.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

// To be called first in main, before there are threads: makes do with little address space if that is limited, and gives the
// stack of the main thread room that it cannot be refused later. The process ends here if the system has none.
void envcrypt_prepare_memory(void);

// Asks `question` on a terminal that does not show the answer, until `envcrypt_show_typing`. A signal that ends or stops the
// process before that finds the terminal as it was; when the process goes on, it asks again. One terminal at a time. The
// text stays where it is until then. False if `descriptor` is not a terminal, or has hung up.
bool envcrypt_hide_typing(int descriptor, const char *question);

// How often questions were asked: what was typed before the last one does not count.
int envcrypt_question_count(void);

// Has the terminal show what is typed again. Does nothing if it does already. A signal handler may call it.
void envcrypt_show_typing(void);

// A shell that runs a command.
struct envcrypt_shell {
  pid_t process;
  // What the command prints: a pipe whose reader never waits.
  int output;
  // Readable when the command has ended; -1 if the kernel has no such descriptor (before 5.3).
  int end;
};

// Starts `sh -c command`. It has /dev/null to read, the pipe for what it prints, standard error as it is here, no other
// descriptor, and an environment without `variable`. Returns the system's error, or 0.
int envcrypt_start_shell(const char *command, const char *variable, struct envcrypt_shell *shell);
