# Helpers of the command-line cases. Each case starts in an empty directory with its own keystore, which needs no
# passphrase.

umask 022
ulimit -c 0
envcrypt init -q --protector none

# fails STATUS COMMAND...: the command must end with that status. Keeps its messages in ./stderr.
fails() {
  local wanted=$1 status=0
  shift
  "$@" 2>stderr || status=$?
  [ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted"; cat stderr; return 1; }
}

# says TEXT: the messages of the last failure contain the text.
says() { grep -qF -- "$1" stderr || { echo "not said: $1"; cat stderr; return 1; }; }

# absent FILE...: these files do not exist, and there are no leftovers of the tool either.
absent() {
  local file
  for file; do [ ! -e "$file" ] || { echo "exists: $file"; return 1; }; done
  [ -z "$(find . -name '.envcrypt-*')" ]
}

# random BYTES: prints that many bytes that cannot be compressed.
random() { head -c "$1" /dev/urandom; }

# json EXPRESSION: evaluates a Python expression, in which j is the JSON on standard input.
json() { python3 -c 'import json,sys; j=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# matches GREP-ARGUMENTS: like grep -q, but reads to the end, so that the writer is not killed by SIGPIPE.
matches() { grep "$@" >/dev/null; }

# await COMMAND...: waits until the command succeeds. The time limit only matters for a failure.
await() {
  local deadline=$((SECONDS + 120))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { echo "waited in vain: $*"; return 1; }
    sleep 0.02
  done
}

# flip FILE AT: changes the byte at this position.
flip() {
  python3 - "$1" "$2" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
P
}

# on_terminal ANSWERS COMMAND...: runs the command on its own terminal and types a line of ANSWERS whenever a question
# appears. Prints the complete output. The status is the command's.
on_terminal() {
  python3 - "$@" <<'P'
import os, pty, sys
answers, command = sys.argv[1].splitlines(), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    shown += data
    if answers and shown.endswith((b"[y/N] ", b": ")):
        os.write(terminal, answers.pop(0).encode() + b"\n")
sys.stdout.buffer.write(shown)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
P
}

# skipped WHY: says that a part of the case was skipped. Fails in CI, where nothing may be skipped.
skipped() {
  echo "SKIPPED: $*"
  [ -z "${CI-}" ]
}

# no_user_namespaces: true if the kernel refuses user namespaces to root too, who may make other namespaces here. It does
# so in a chroot, where no change of the settings would help. Says so, and does not fail in CI.
no_user_namespaces() {
  [ "$(id -u)" = 0 ] && unshare --uts true && ! unshare --user true || return 1
  echo 'SKIPPED: the kernel allows no user namespaces in a chroot'
} 2>/dev/null

# can_be USER: true if the case can become this user and the user can reach this directory and the tool. Otherwise
# prints the reason.
can_be() {
  local tool
  tool=$(command -v envcrypt)
  if [ "$(id -u)" != 0 ]; then skipped "only root can become $1"
  elif ! id "$1" >/dev/null 2>&1; then skipped "there is no user $1"
  elif ! setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups test -x "$PWD" -a -x "$tool"; then
    skipped "the user $1 cannot get to $PWD or to $tool"
  else return 0; fi || exit 1
  return 1
}
