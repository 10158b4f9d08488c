# If the reader closes the pipe, SIGPIPE ends the tool quietly. An interrupt leaves nothing behind.
random 3000000 > a; envcrypt encrypt a
set +e
envcrypt decrypt a.envc -o - 2>stderr | head -c 10 >/dev/null
status=${PIPESTATUS[0]}
set -e
[ "$status" = 141 ]; [ ! -s stderr ]
mkfifo pipe; mkdir out
python3 - <<'P'
import os, signal, subprocess
# The process that runs the tests may ignore or block interrupts, and its children inherit that.
def listen():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
child = subprocess.Popen(
    ["envcrypt", "encrypt", "pipe", "-o", "out/x.envc"],
    preexec_fn=listen)
# Limits the time of a failure.
signal.alarm(300)
writer = open("pipe", "wb")
writer.write(os.urandom(3000000)); writer.flush()
# A pipe holds less than that: the tool has read some of it and has begun its output.
child.send_signal(signal.SIGINT)
assert child.wait(timeout=120) == -signal.SIGINT, child.returncode
P
[ -z "$(ls -A out)" ]
