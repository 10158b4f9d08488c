"""Runs a program under ptrace and injects one fault: a kill after a system call, a call that fails, a call that does
less than requested, or a change of its files before a call. Its clock can differ from the system's clock.

Linux on x86-64. Counts include all threads of the program, but not the work of the dynamic loader before the program
starts."""
import ctypes, os, platform, resource, signal, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long] * 4

TRACEME, POKEUSER, CONT, SYSCALL, SETOPTIONS, SYSCALL_INFO = 0, 6, 7, 24, 0x4200, 0x420E
OPTIONS = 1 | 2 | 4 | 8 | 0x100000  # marks system calls, follows fork, vfork and clone, kills with the tracer
WALL = 0x40000000
AT_FDCWD = -100
# The register offsets of the arguments, of the call's number and of its result.
ARGUMENTS, NUMBER, RESULT = [14, 13, 12, 7, 9, 8], 15, 10

CALLS = {
    0: "read", 1: "write", 2: "open", 3: "close", 4: "stat", 5: "fstat", 6: "lstat", 8: "lseek", 9: "mmap", 10: "mprotect", 11: "munmap",
    12: "brk", 13: "rt_sigaction", 14: "rt_sigprocmask", 16: "ioctl", 17: "pread64", 18: "pwrite64", 20: "writev",
    21: "access", 25: "mremap", 28: "madvise", 32: "dup", 35: "nanosleep", 39: "getpid", 56: "clone", 59: "execve",
    60: "exit", 72: "fcntl", 73: "flock", 74: "fsync", 75: "fdatasync", 77: "ftruncate", 79: "getcwd", 80: "chdir",
    82: "rename", 83: "mkdir", 84: "rmdir", 86: "link", 87: "unlink", 88: "symlink", 89: "readlink", 90: "chmod", 91: "fchmod",
    92: "chown", 93: "fchown", 94: "lchown", 96: "gettimeofday", 102: "getuid", 107: "geteuid", 149: "mlock", 150: "munlock",
    157: "prctl", 158: "arch_prctl", 186: "gettid", 201: "time", 202: "futex", 203: "sched_setaffinity",
    204: "sched_getaffinity", 217: "getdents64", 218: "set_tid_address", 221: "fadvise64", 228: "clock_gettime",
    230: "clock_nanosleep", 231: "exit_group", 257: "openat", 258: "mkdirat", 262: "newfstatat", 263: "unlinkat",
    260: "fchownat", 264: "renameat", 265: "linkat", 266: "symlinkat", 267: "readlinkat", 268: "fchmodat", 270: "pselect6", 271: "ppoll", 7: "poll", 273: "set_robust_list",
    277: "sync_file_range", 280: "utimensat", 285: "fallocate", 292: "dup3", 293: "pipe2", 302: "prlimit64", 306: "syncfs", 316: "renameat2",
    318: "getrandom", 325: "mlock2", 332: "statx", 334: "rseq", 435: "clone3", 439: "faccessat2", 447: "memfd_secret",
}

# Calls with a name: after the descriptor of a directory, or as the first argument.
AT = {"openat", "unlinkat", "mkdirat", "newfstatat", "statx", "fchmodat", "fchownat", "utimensat", "faccessat2", "readlinkat"}
BY_NAME = {"open", "unlink", "mkdir", "rmdir", "stat", "lstat", "access", "chmod", "chown", "lchown", "readlink"}
NAMES = AT | BY_NAME | {"rename", "link", "linkat", "renameat", "renameat2", "symlink", "symlinkat"}

unavailable = None
if sys.platform != "linux" or platform.machine() != "x86_64":
    unavailable = "the tracer knows Linux on x86-64 only"


def why_not():
    """Returns the reason why no program can be traced here; None if one can."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.ptrace(TRACEME, 0, 0, 0) == 0 else 1)
    return "the system does not let a program be traced" if os.waitpid(pid, 0)[1] else None


class Fault:
    """A fault at the call number `at` (from 1) whose name is in `calls`. Without `calls` every call counts."""

    def __init__(self, kind, at, calls=None, errno=None, path=None):
        self.kind, self.at, self.calls, self.errno, self.path = kind, at, calls and frozenset(calls), errno, path

    def __repr__(self):
        what = {"errno": os.strerror(self.errno or 0)}.get(self.kind, self.kind)
        return f"{'|'.join(sorted(self.calls or ['call']))} {self.at}: {what}"


class Call:
    """A finished call: name, arguments, result, and the data that `record` kept."""
    __slots__ = ("name", "arguments", "result", "path", "data")

    def __init__(self, name, arguments, path=None, data=None):
        self.name, self.arguments, self.path, self.data, self.result = name, arguments, path, data, None


class Outcome:
    """The end of a program: `status` as an exit status, negative for signals, and the call at which the fault
    occurred."""

    def __init__(self):
        self.status, self.hit, self.calls, self.counts, self.seen = None, None, [], {}, 0
        self.output = self.messages = b""


def _text(pid, address):
    """Returns the C string at an address in the program; an empty text at address 0, which means the descriptor
    itself."""
    if address == 0:
        return ""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(address)
        return memory.read(4096).split(b"\0")[0].decode(errors="surrogateescape")


def _bytes(pid, address, count):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(address)
        return memory.read(count)


def _file(pid, number):
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}")
    except OSError:
        return None


def _at(pid, directory, path):
    """Returns a path as a call uses it. It may begin at an open directory, named by its number or by its name in
    /proc."""
    number = ctypes.c_int(directory).value
    if path.startswith("/proc/self/fd/"):
        number, _, path = path[14:].partition("/")
    elif path.startswith("/") or number == AT_FDCWD:
        return path
    place = _file(pid, number) or "?"
    return os.path.join(place, path) if path else place


def _kept(pid, name, a):
    """Returns the call with its file and its data."""
    call = Call(name, a)
    if name in ("write", "pwrite64"):
        call.path, call.data = _file(pid, a[0]), _bytes(pid, a[1], a[2])
    elif name in ("fsync", "fdatasync", "syncfs", "ftruncate", "close", "read", "pread64", "flock", "fchmod"):
        call.path = _file(pid, a[0])
    elif name in AT:
        call.path = _at(pid, a[0], _text(pid, a[1]))
    elif name in BY_NAME:
        call.path = _at(pid, AT_FDCWD, _text(pid, a[0]))
    elif name in ("rename", "link"):
        call.path, call.data = _at(pid, AT_FDCWD, _text(pid, a[0])), _at(pid, AT_FDCWD, _text(pid, a[1]))
    elif name in ("linkat", "renameat", "renameat2"):
        call.path, call.data = _at(pid, a[0], _text(pid, a[1])), _at(pid, a[2], _text(pid, a[3]))
    return call


def _start(arguments, directory, environment, files, limits):
    """Forks the program and stops it at its first instruction. `files` are descriptors 0, 1 and 2."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.chdir(directory)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, 256)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for limit, value in limits.items():
            resource.setrlimit(limit, (value, value))
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        libc.ptrace(TRACEME, 0, 0, 0)
        os.execve(arguments[0], arguments, environment)
    finally:
        os._exit(127)


def _loader(pid):
    """Returns the address ranges of the dynamic loader; none in a static program."""
    ranges = []
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            if "/ld-linux" in line or "/ld-2" in line:
                first, last = line.split()[0].split("-")
                ranges.append((int(first, 16), int(last, 16)))
    return ranges


def _without_vdso(pid):
    """Removes the vDSO from the program before it starts, so that it gets the time with system calls."""
    with open(f"/proc/{pid}/stat") as file:
        at = int(file.read().rsplit(")", 1)[1].split()[25])
    with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
        def word():
            return struct.unpack("<Q", memory.read(8))[0]
        memory.seek(at)
        memory.seek(at + 8 * (word() + 2))
        while word():
            pass
        while True:
            place = memory.tell()
            kind, _ = word(), word()
            if kind == 0:
                return
            if kind == 33:
                memory.seek(place)
                memory.write(struct.pack("<Q", 1))
                memory.seek(place + 16)


# The clocks of the time of day, under any name.
DAY_CLOCKS = {0, 5, 11}


def _time_place(name, a):
    """Returns the address at which a call stores the time of day; None for another call."""
    if name == "clock_gettime":
        return a[1] if a[0] in DAY_CLOCKS else None
    return a[0] if name == "gettimeofday" else 0 if name == "time" else None


def _shift(pid, thread, place, seconds, result):
    """Moves the time that a call has returned forward."""
    if place:
        with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
            memory.seek(place)
            now, = struct.unpack("<q", memory.read(8))
            memory.seek(place)
            memory.write(struct.pack("<q", now + seconds))
    else:
        libc.ptrace(POKEUSER, thread, 8 * RESULT, result + seconds)


class TooLong(Exception):
    """The program did not end: it hangs."""


def run(arguments, directory, environment, fault=None, files=(0, 1, 2), limits={}, before=None, record=None,
        seconds=60, ahead=0):
    """Runs the program to its end. Calls `before()` at the fault's call if its kind is "before", and `before(n)` at
    each of its calls if the kind is "each". `record` names calls to keep completely, with their results. The
    program's clock is `ahead` seconds ahead. Raises TooLong."""
    pid = _start(arguments, directory, environment, files, limits)
    outcome = Outcome()
    os.waitpid(pid, WALL)
    libc.ptrace(SETOPTIONS, pid, 0, OPTIONS)
    loader = _loader(pid)
    info = ctypes.create_string_buffer(88)
    address = ctypes.addressof(info)
    inside, doomed, refused, asked, breaks = {}, None, {}, {}, {}
    if ahead:
        _without_vdso(pid)
    seen = total = 0

    def give_up(*_):
        raise TooLong(f"{' '.join(arguments)} still runs after {seconds} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        libc.ptrace(SYSCALL, pid, 0, 0)
        while True:
            thread, status = os.waitpid(-1, WALL)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                inside.pop(thread, None)
                if thread == pid:
                    outcome.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
                    break
                continue
            number = os.WSTOPSIG(status)
            if number != signal.SIGTRAP | 0x80:
                # The start of a thread, an event, or a signal to deliver.
                deliver = 0 if number in (signal.SIGTRAP, signal.SIGSTOP) else number
                libc.ptrace(SYSCALL, thread, 0, deliver)
                continue
            libc.ptrace(SYSCALL_INFO, thread, 88, address)
            if info.raw[0] == 1:
                place, = struct.unpack_from("<Q", info.raw, 8)
                if loader and any(first <= place < last for first, last in loader):
                    libc.ptrace(SYSCALL, thread, 0, 0)
                    continue
                code, *a = struct.unpack_from("<7Q", info.raw, 24)
                name = CALLS.get(code, str(code))
                total += 1
                outcome.counts[name] = outcome.counts.get(name, 0) + 1
                if ahead and (place := _time_place(name, a)) is not None:
                    asked[thread] = place
                if record and name in record:
                    inside[thread] = _kept(pid, name, a)
                if fault and (not fault.calls or name in fault.calls) and (
                        not fault.path or fault.path in (_kept(pid, name, a).path or "")):
                    seen += 1
                    if fault.kind == "each":
                        before(seen)
                    if seen == fault.at:
                        outcome.hit = name
                        if fault.kind == "kill":
                            doomed = thread
                            if name in ("exit_group", "exit"):
                                os.kill(pid, signal.SIGKILL)
                        elif fault.kind == "terminate":
                            os.kill(pid, signal.SIGTERM)
                        elif fault.kind == "errno" and name == "brk":
                            # A brk that fails has no error: it returns the present end of the heap, as if nothing was
                            # requested.
                            libc.ptrace(POKEUSER, thread, 8 * ARGUMENTS[0], 0)
                            breaks[thread] = a[0]
                        elif fault.kind == "errno":
                            # A close that fails has closed the descriptor anyway.
                            if name != "close":
                                libc.ptrace(POKEUSER, thread, 8 * NUMBER, -1)
                            refused[thread] = fault.errno
                        elif fault.kind == "short" and a[2] > 1:
                            libc.ptrace(POKEUSER, thread, 8 * ARGUMENTS[2], max(1, a[2] // 2))
                        elif fault.kind == "before":
                            before()
            else:
                if thread in breaks:
                    libc.ptrace(POKEUSER, thread, 8 * ARGUMENTS[0], breaks.pop(thread))
                if thread in refused:
                    libc.ptrace(POKEUSER, thread, 8 * RESULT, -refused.pop(thread))
                if thread in asked:
                    result, = struct.unpack_from("<q", info.raw, 24)
                    if result >= 0:
                        _shift(pid, thread, asked[thread], ahead, result)
                    asked.pop(thread)
                if thread in inside:
                    call = inside.pop(thread)
                    call.result, = struct.unpack_from("<q", info.raw, 24)
                    outcome.calls.append(call)
                if thread == doomed:
                    os.kill(pid, signal.SIGKILL)
            libc.ptrace(SYSCALL, thread, 0, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
        _reap(pid, outcome.status is not None)
    outcome.counts["all"], outcome.seen = total, seen
    return outcome


def _reap(pid, is_gone):
    """Waits for threads of a killed program whose end was not seen."""
    while True:
        try:
            thread, _ = os.waitpid(-1, WALL | (os.WNOHANG if is_gone else 0))
        except ChildProcessError:
            return
        if thread == 0:
            return
        is_gone = is_gone or thread == pid
