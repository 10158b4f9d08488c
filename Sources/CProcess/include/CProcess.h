// Functions that Swift cannot implement: for a process without memory, in a signal handler, and for
// the start of another program.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

// Call first in main, before there are threads. If the address space is limited, makes malloc use
// little of it. Reserves stack for the main thread, so that the system cannot refuse it later. Ends
// the process if the system refuses it now.
void envcrypt_prepare_memory(void);

// Asks `question` on a terminal and turns off its echo until `envcrypt_show_typing`. If a signal
// ends or stops the process before that, restores the terminal first; when the process continues,
// asks again. Supports one terminal at a time. `question` must stay valid until then. False if
// `descriptor` is not a terminal, or has hung up.
bool envcrypt_hide_typing(int descriptor, const char *question);

// Returns the number of times that questions were asked. Input from before the last question must
// be ignored.
int envcrypt_question_count(void);

// Restores the echo of the terminal. Does nothing if it is on already. A signal handler may call
// this function.
void envcrypt_show_typing(void);

// A process of a shell that runs a command.
struct envcrypt_shell {
  pid_t process;
  // The reading end of a pipe with the output of the command; reads do not block.
  int output;
  // A pidfd, readable when the command has ended; -1 if the kernel has no pidfds (before Linux
  // 5.3).
  int end;
};

// Starts `sh -c command`. Its standard input is /dev/null, its standard output is the pipe, and it
// inherits standard error, no other descriptor, and the environment with the variable of `setting`,
// "NAME=", emptied. Returns 0 or an errno value.
int envcrypt_start_shell(const char *command, const char *setting, struct envcrypt_shell *shell);

// Call in main, before there are threads. From now on, a write to a closed pipe and to a file that
// would exceed the size limit fails with an error, and does not end the process.
void envcrypt_ignore_write_signals(void);

// Replaces this process by the program that `arguments[0]` names, as execvpe does: looks for it in
// the PATH of this process. Open descriptors that are not marked close-on-exec stay open. The
// program gets the signal actions that this process was started with. Returns only if that fails,
// with an errno value.
int envcrypt_replace_process(char *const arguments[], char *const environment[]);

// Starts `sh -c 'editor "$@"'` with the name of a file as the only argument. The editor inherits the
// terminal, the standard streams and the environment. Returns 0 or an errno value.
int envcrypt_start_editor(const char *editor, const char *file, pid_t *process);
