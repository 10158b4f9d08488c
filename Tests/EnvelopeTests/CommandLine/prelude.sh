# Helpers of the command-line cases. Each case starts in an empty directory, with a keystore of its
# own that needs no passphrase.

umask 022
ulimit -c 0
envcrypt init -q --protector none

# fails STATUS COMMAND...: the command must end with that status; its messages are kept in ./stderr.
fails() {
  local wanted=$1 status=0
  shift
  "$@" 2>stderr || status=$?
  [ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted"; cat stderr; return 1; }
}

# says TEXT: the last failure's messages contain the text.
says() { grep -qF -- "$1" stderr || { echo "not said: $1"; cat stderr; return 1; }; }

# absent FILE...: no such files, and no leftovers of ours either.
absent() {
  local file
  for file; do [ ! -e "$file" ] || { echo "exists: $file"; return 1; }; done
  [ -z "$(find . -name '.envcrypt-*')" ]
}

# random BYTES: that many bytes that do not compress.
random() { head -c "$1" /dev/urandom; }

# json EXPRESSION: evaluates a Python expression over the JSON on standard input as j.
json() { python3 -c 'import json,sys; j=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# matches GREP-ARGUMENTS: like grep -q, but reads to the end, so that nobody dies of a closed pipe.
matches() { grep "$@" >/dev/null; }

# await COMMAND...: waits until the command succeeds. The time only bounds a failure.
await() {
  local deadline=$((SECONDS + 120))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { echo "waited in vain: $*"; return 1; }
    sleep 0.02
  done
}

# flip FILE AT: another byte there.
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

# on_terminal ANSWER COMMAND...: runs it on a terminal of its own, and types the answer when its question is there. All that it
# shows is printed; the status is the command's.
on_terminal() {
  python3 - "$@" <<'P'
import os, pty, sys
answer, command = sys.argv[1], sys.argv[2:]
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
    if answer and shown.endswith((b"[y/N] ", b": ")):
        os.write(terminal, answer.encode() + b"\n")
        answer = ""
sys.stdout.buffer.write(shown)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
P
}

# skipped WHY: says that a part of the case was left out. CI leaves nothing out.
skipped() {
  echo "SKIPPED: $*"
  [ -z "${CI-}" ]
}

# can_be USER: whether the case can become this user, and the user can get to this directory and to the tool. If not, says so.
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
