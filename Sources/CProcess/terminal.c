// Turns off the echo of a terminal for a question, and handles the signals that arrive meanwhile.
// The signal handlers call only functions that are async-signal-safe in POSIX.
#include "include/CProcess.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// Signals whose default action ends the process. Signals of a fault are not among them, because
// memory cannot be trusted after a fault. The tool ignores SIGPIPE and SIGXFSZ, but another program
// need not. The real-time signals follow when a question is asked.
enum { fixedCount = 17 };
static int ending[fixedCount + _NSIG] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGALRM, SIGUSR1, SIGUSR2,   SIGXCPU, SIGXFSZ,
    SIGPIPE, SIGABRT, SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,  SIGSTKFLT, SIGSYS,
};
static int endingCount = fixedCount;

static int terminal;
static struct termios shown, silent;
static const char *question;
static struct sigaction beforeEnding[sizeof ending / sizeof *ending], beforeStop, beforeGoingOn;
static volatile sig_atomic_t isHidden, questions;

// True if the process group is in the foreground of the terminal. If it is in the background,
// another process group uses the terminal and has set it up.
static bool isOurs(void) { return tcgetpgrp(terminal) == getpgrp(); }

// Sets the terminal, again if a signal interrupts the call: a process in the background is stopped
// here until it is in the foreground.
static bool set(const struct termios *attributes) {
  while (tcsetattr(terminal, TCSAFLUSH, attributes) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

static void say(const char *text) {
  if (write(terminal, text, strlen(text)) < 0) return;
}

static void giveBack(void) {
  if (isOurs() && set(&shown)) say("\n");
}

static bool ask(void) {
  if (!set(&silent)) return false;
  questions += 1;
  say(question);
  return true;
}

// Asks again after the process was stopped, if the terminal was restored meanwhile.
static void askAgain(void) {
  struct termios now;
  if (isHidden && tcgetattr(terminal, &now) == 0 && now.c_lflag != silent.c_lflag) ask();
}

static void raiseUnblocked(int number) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, number);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  raise(number);
}

static void onEnding(int number) {
  int error = errno;
  envcrypt_show_typing();
  // envcrypt_show_typing has restored the previous action of the signal.
  raiseUnblocked(number);
  errno = error;
}

static void onGoingOn(int number) {
  (void)number;
  int error = errno;
  askAgain();
  errno = error;
}

static void onStop(int number);

static void handle(int number, void (*handler)(int), struct sigaction *before) {
  sigaction(number, NULL, before);
  // A signal that is ignored stays ignored, as with nohup and in background jobs of a script.
  if (before->sa_handler == SIG_IGN && number != SIGCONT) return;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (handler == onEnding) {
    // Block the other signals, so that this handler runs first and once. A stopped process that is
    // told to end continues first, and then must end without asking again.
    for (int index = 0; index < endingCount; index += 1) sigaddset(&action.sa_mask, ending[index]);
    sigaddset(&action.sa_mask, SIGTSTP);
    sigaddset(&action.sa_mask, SIGCONT);
  }
  sigaction(number, &action, NULL);
}

static void onStop(int number) {
  int error = errno;
  giveBack();
  sigaction(number, &beforeStop, NULL);
  raiseUnblocked(number);
  // The process continues here. It was not stopped if its process group is orphaned, because nobody
  // could continue it.
  handle(number, onStop, &beforeStop);
  askAgain();
  errno = error;
}

bool envcrypt_hide_typing(int descriptor, const char *text) {
  static bool isRegistered;
  if (!isRegistered) isRegistered = atexit(envcrypt_show_typing) == 0;
  if (endingCount == fixedCount) {
    // The C library keeps the first of them for itself.
    for (int number = SIGRTMIN; number <= SIGRTMAX; number += 1) ending[endingCount++] = number;
  }
  terminal = descriptor;
  question = text;
  if (tcgetattr(descriptor, &shown) != 0) return false;
  silent = shown;
  silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON);
  // The keys for interrupt and stop send their signals to the whole foreground process group.
  silent.c_lflag |= ISIG;
  silent.c_cc[VMIN] = 1;
  silent.c_cc[VTIME] = 0;
  isHidden = 1;
  for (int index = 0; index < endingCount; index += 1) handle(ending[index], onEnding, &beforeEnding[index]);
  handle(SIGTSTP, onStop, &beforeStop);
  handle(SIGCONT, onGoingOn, &beforeGoingOn);
  if (ask()) return true;
  envcrypt_show_typing();
  return false;
}

int envcrypt_question_count(void) { return questions; }

void envcrypt_show_typing(void) {
  if (!isHidden) return;
  // If a signal arrives between these steps, its handler runs all of them once more.
  giveBack();
  for (int index = 0; index < endingCount; index += 1) sigaction(ending[index], &beforeEnding[index], NULL);
  sigaction(SIGTSTP, &beforeStop, NULL);
  sigaction(SIGCONT, &beforeGoingOn, NULL);
  isHidden = 0;
}
