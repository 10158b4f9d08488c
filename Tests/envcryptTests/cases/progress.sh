# The progress bar fits the terminal, and leaves nothing on the line before other text.
cat > drive.py <<'P2'
import fcntl, os, pty, select, struct, sys, termios, time
BAR = b"\r\x1b[K"

def run(columns, term, command, until, interrupt=False, then=lambda: None):
    """Runs the command on a terminal with standard input from a pipe, which is fed until the terminal shows `until`, or
    for that many seconds. Returns what the terminal showed, and the status."""
    reading, writing = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(reading, 0)
        os.environ["TERM"] = term
        os.closerange(3, 64)
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.close(reading)
    shown, begin = b"", time.monotonic()
    def more(wait):
        nonlocal shown
        while select.select([terminal], [], [], wait)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                return False
            if not data: return False
            shown += data
        return True
    while (until not in shown) if isinstance(until, bytes) else (time.monotonic() - begin < until):
        assert time.monotonic() - begin < 120, shown
        os.write(writing, b"x" * 65536)
        more(0.02)
    then()
    if interrupt: os.kill(pid, 15)
    os.close(writing)
    while more(1): pass
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def screen(shown):
    """The lines as a terminal shows them at the end."""
    lines = []
    for line in shown.split(b"\n"):
        for part in line.rstrip(b"\r").split(b"\r"):
            if part.startswith(b"\x1b[K"): line = part[3:]
            else: line = part
        lines.append(line)
    return [line for line in lines if line]

encrypt = ["envcrypt", "encrypt", "-f", "-o", "out.envc"]
for columns in 20, 40, 80:
    shown, status = run(columns, "xterm", encrypt, BAR)
    assert status == 0, (status, shown)
    drawn = [part.split(b"\r")[0].split(b"\n")[0] for part in shown.split(BAR)[1:]]
    assert any(drawn) and all(len(part) < columns for part in drawn), drawn
    assert screen(shown) == [], shown

# A message after the bar is alone on its line; so is the end by a signal.
def take(): open("taken.envc", "w").close()
shown, status = run(40, "xterm", ["envcrypt", "encrypt", "-o", "taken.envc"], BAR, then=take)
assert status == 73 and screen(shown)[0].startswith(b"envcrypt: error: taken.envc"), (status, shown)
shown, status = run(40, "xterm", encrypt, BAR, interrupt=True)
assert status == -15 and screen(shown) == [], (status, shown)

# Nothing on a terminal that only shows text, and without a terminal lines only if they are wanted.
shown, status = run(40, "dumb", encrypt, 1.5)
assert (shown, status) == (b"", 0), (shown, status)
shown, status = run(40, "xterm", encrypt + ["-q"], 1.5)
assert (shown, status) == (b"", 0), (shown, status)
P2
timeout 300 python3 drive.py
