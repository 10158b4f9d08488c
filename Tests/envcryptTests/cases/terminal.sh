# Binary output never goes to a terminal. A passphrase is asked for without echo.
echo text > a; random 1000 > b; envcrypt encrypt a b
cat > drive.py <<'P'
import os, pty, select, sys
def run(arguments, answers=()):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(arguments[0], arguments)
    shown, answers = b"", list(answers)
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
        if answers and shown.endswith(b": "):
            os.write(fd, answers.pop(0) + b"\n")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown
status, shown = run(["envcrypt", "encrypt", "a", "-o", "-"])
assert status == 64 and b"--armor" in shown and b"\x02\x04" not in shown, (status, shown)
status, shown = run(["envcrypt", "encrypt", "-a", "a", "-o", "-"])
assert status == 0 and b"BEGIN ENVCRYPT" in shown, (status, shown)
status, shown = run(["envcrypt", "decrypt", "a.envc", "-o", "-"])
assert status == 0 and b"text" in shown, (status, shown)
status, shown = run(["envcrypt", "decrypt", "b.envc", "-o", "-"])
assert status == 64 and b"binary" in shown, (status, shown)
status, shown = run(["envcrypt", "key", "export", "alias/default"])
assert status == 64 and b"material" not in shown, (status, shown)
status, shown = run(["envcrypt", "init", "--keystore", "t.db"], [b"pass", b"pass"])
assert status == 0 and b"pass\r" not in shown, (status, shown)
status, shown = run(["envcrypt", "encrypt", "--keystore", "t.db", "a", "-o", "t.envc"], [b"pass"])
assert status == 0, (status, shown)
status, shown = run(["envcrypt", "decrypt", "--keystore", "t.db", "t.envc", "-o", "-"], [b"other"])
assert status == 77 and b"wrong passphrase" in shown, (status, shown)
status, shown = run(["envcrypt", "init", "--keystore", "u.db"], [b"one", b"two"])
assert status == 64 and b"differ" in shown and not os.path.exists("u.db"), (status, shown)
P
python3 drive.py
