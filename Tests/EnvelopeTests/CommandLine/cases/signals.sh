# A reader that goes away ends us quietly with SIGPIPE; an interrupt leaves nothing behind.
random 3000000 > a; envcrypt encrypt a
set +e
envcrypt decrypt a.envc -o - 2>stderr | head -c 10 >/dev/null
status=${PIPESTATUS[0]}
set -e
[ "$status" = 141 ]; [ ! -s stderr ]
mkfifo pipe; mkdir out
python3 - <<'P'
import os, signal, subprocess, time
# Whoever runs the tests may ignore or block interrupts, and children inherit that.
def listen():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
child = subprocess.Popen(
    ["envcrypt", "encrypt", "pipe", "-o", "out/x.envc"],
    preexec_fn=listen)
writer = open("pipe", "wb")
writer.write(os.urandom(300000)); writer.flush()
# Its output is begun, under a hidden name or none.
def begun():
    names = []
    for number in os.listdir(f"/proc/{child.pid}/fd"):
        try: names.append(os.readlink(f"/proc/{child.pid}/fd/{number}"))
        except FileNotFoundError: pass
    return any(name.startswith(os.path.realpath("out") + "/") for name in names)
deadline = time.monotonic() + 120
while not begun():
    assert child.poll() is None and time.monotonic() < deadline
    time.sleep(0.01)
child.send_signal(signal.SIGINT)
assert child.wait(timeout=120) == -signal.SIGINT, child.returncode
P
[ -z "$(ls -A out)" ]
