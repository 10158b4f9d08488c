# Whatever ends or stops the tool while it asks for a passphrase, the terminal echoes again afterwards. Swift's own
# backtraces, which the release does not have, would handle some signals.
export SWIFT_BACKTRACE=enable=no
umask 077
echo correct-horse > pass; echo text > a
envcrypt init -q --keystore p.db --passphrase-file pass
envcrypt encrypt --keystore p.db --passphrase-file pass a -o locked.envc
envcrypt encrypt a -o open.envc
envcrypt key export alias/default -o escrow.json 2>/dev/null
cat > drive.py <<'P'
import fcntl, os, select, signal, struct, sys, termios, time
PROMPT = b"Passphrase for "

class Tool:
    """The tool in the foreground of its own terminal, as a job of a shell."""
    def __init__(self, *arguments, ignoring=()):
        self.terminal, inside = os.openpty()
        self.states, states = os.pipe()
        orders, self.orders = os.pipe()
        self.shell = os.fork()
        if self.shell == 0:
            self.be_shell(inside, states, orders, arguments, ignoring)
        os.close(states); os.close(orders)
        self.inside = inside  # kept open, or the terminal would disappear with the tool
        self.job = int(self.state())
        self.shown = b""

    def be_shell(self, inside, states, orders, arguments, ignoring):
        os.setsid(); os.close(self.terminal)
        fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0); os.tcsetpgrp(inside, os.getpid())
            for number in range(1, 32):
                if number not in (signal.SIGKILL, signal.SIGSTOP):
                    signal.signal(number, signal.SIG_IGN if number in ignoring else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            for number in range(3): os.dup2(inside, number)
            os.closerange(3, 64)
            os.execvp(arguments[0], arguments)
        os.write(states, b"%d\n" % job)
        while True:
            _, status = os.waitpid(job, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                os.write(states, b"stopped\n")
                os.tcsetpgrp(inside, os.getpgrp())
                order = os.read(orders, 1)
                if order == b"f": os.tcsetpgrp(inside, job)
                if order == b"t": os.killpg(job, signal.SIGTERM)
                os.killpg(job, signal.SIGCONT)
                continue
            os.write(states, b"%d\n" % os.waitstatus_to_exitcode(status))
            os._exit(0)

    def state(self):
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self.states], [], [], 60)[0], (line, getattr(self, "shown", None))
            line += os.read(self.states, 1) or sys.exit("the shell is gone")
        return line.decode().strip()

    def wait_for(self, text):
        while text not in self.shown:
            assert select.select([self.terminal], [], [], 60)[0], self.shown
            self.shown += os.read(self.terminal, 65536)

    def asks(self):
        self.wait_for(PROMPT)
        assert not self.echoes(), "the passphrase would be shown"

    def echoes(self):
        flags = termios.tcgetattr(self.terminal)[3]
        assert bool(flags & termios.ECHO) == bool(flags & termios.ICANON), flags
        return bool(flags & termios.ECHO)

    def goes_on(self, inForeground):
        self.shown = b""
        os.write(self.orders, b"f" if inForeground else b"b")

    def is_terminated(self): os.write(self.orders, b"t")

    def type(self, text): os.write(self.terminal, text)

    def ends_with(self, status):
        state = self.state()
        while select.select([self.terminal], [], [], 0)[0]: self.shown += os.read(self.terminal, 65536)
        assert state == str(status), (state, status, self.shown)
        assert self.echoes(), "the terminal is silent"
        os.waitpid(self.shell, 0)
        for number in self.terminal, self.inside, self.states, self.orders: os.close(number)

create = ["envcrypt", "key", "create", "--keystore", "p.db"]

# Signals from other processes. The second command has hidden files to remove and a thread that waits for signals.
for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1:
    tool = Tool(*create); tool.asks(); os.kill(tool.job, number); tool.ends_with(-number)
both = ["envcrypt", "decrypt", "open.envc", "locked.envc", "-o", "out", "--keystore", "p.db", "--keyring", "escrow.json", "-f", "-j", "1"]
os.mkdir("out")
for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
    tool = Tool(*both); tool.asks(); os.kill(tool.job, number); tool.ends_with(-number)
    assert not [name for name in os.listdir("out") if name.startswith(".envcrypt-")], os.listdir("out")

# Keys on the terminal: Ctrl-C, Ctrl-\ and Ctrl-D.
tool = Tool(*create); tool.asks(); tool.type(b"half\x03"); tool.ends_with(-signal.SIGINT)
tool = Tool(*create); tool.asks(); tool.type(b"half\x1c"); tool.ends_with(-signal.SIGQUIT)
tool = Tool(*create); tool.asks(); tool.type(b"\x04"); tool.ends_with(77)
assert b"no passphrase given" in tool.shown, tool.shown
tool = Tool(*create); tool.asks(); tool.type(b"\n"); tool.ends_with(77)
assert b"no passphrase given" in tool.shown, tool.shown
tool = Tool(*create); tool.asks(); tool.type(b"x" * 1024 + b"\n"); tool.ends_with(64)
assert b"fewer than 1024 bytes" in tool.shown, tool.shown
tool = Tool(*create); tool.asks(); tool.type(b"wrong\x15correct-horsf\x7fe\n"); tool.ends_with(0)
assert b"horse" not in tool.shown, tool.shown

# When it is stopped, the tool restores the terminal. In the foreground again it asks again, from the beginning.
for way in b"\x1a", signal.SIGTSTP:
    tool = Tool(*create); tool.asks(); tool.type(b"nonsense")
    tool.type(way) if isinstance(way, bytes) else os.kill(tool.job, way)
    assert tool.state() == "stopped"
    assert tool.echoes(), "stopped, and the terminal is silent"
    # First in the background, where it may not change the terminal.
    tool.goes_on(inForeground=False)
    assert tool.state() == "stopped"
    assert tool.echoes()
    tool.goes_on(inForeground=True)
    tool.asks(); tool.type(b"correct-horse\n"); tool.ends_with(0)
# Ended while it is stopped, as by 'kill %1': it ends at once and does not change the terminal.
for isInBackground in False, True:
    tool = Tool(*create); tool.asks(); tool.type(b"\x1a")
    assert tool.state() == "stopped"
    if isInBackground:
        tool.goes_on(inForeground=False)
        assert tool.state() == "stopped"
    tool.is_terminated(); tool.ends_with(-signal.SIGTERM)
# A stop that cannot be caught: the shell restores the terminal, and the tool turns echo off again.
tool = Tool(*create); tool.asks(); os.kill(tool.job, signal.SIGSTOP)
assert tool.state() == "stopped"
attributes = termios.tcgetattr(tool.terminal); attributes[3] |= termios.ECHO | termios.ICANON
termios.tcsetattr(tool.terminal, termios.TCSANOW, attributes)
tool.goes_on(inForeground=True)
tool.asks(); tool.type(b"correct-horse\n"); tool.ends_with(0)

# A change of the window size and a signal that the caller ignores have no effect.
tool = Tool(*create, ignoring=[signal.SIGINT, signal.SIGHUP]); tool.asks()
fcntl.ioctl(tool.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 20, 0, 0))
os.kill(tool.job, signal.SIGWINCH); os.kill(tool.job, signal.SIGINT); os.kill(tool.job, signal.SIGHUP)
tool.type(b"correct-horse\n"); tool.ends_with(0)

# A terminal that hangs up.
tool = Tool(*create); tool.asks(); os.close(tool.inside); os.close(tool.terminal)
state = tool.state()
assert state == "77", state
P
python3 drive.py
