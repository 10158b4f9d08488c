"""The chapters that inject one fault into each run: kill, failure, short count, memory."""
import errno, itertools, os, random, shutil, tempfile, time

from scene import Lost
from tracer import Fault, TooLong
from verdict import judge

E = errno
DISK = [E.ENOSPC, E.EDQUOT, E.EIO]
# The errors that each call can return.
FAILURES = {
    ("read",): [E.EIO, E.EINTR], ("pread64",): [E.EIO, E.EINTR],
    ("write",): [*DISK, E.EINTR, E.EPERM], ("pwrite64",): [*DISK, E.EINTR, E.EPERM],
    ("openat", "open"): [E.EMFILE, E.EIO, E.EINTR, E.EPERM, E.ENOSPC, E.EDQUOT],
    ("fsync", "fdatasync"): [*DISK, E.EINTR], ("syncfs",): [*DISK, E.EINTR, E.ENOSYS],
    ("sync_file_range",): [*DISK, E.EINTR, E.ENOSYS], ("ftruncate",): [*DISK, E.EINTR, E.EPERM],
    ("rename", "renameat", "renameat2"): [*DISK, E.EPERM], ("linkat", "link"): [*DISK, E.EPERM],
    ("unlink", "unlinkat"): [E.EIO, E.EPERM], ("close",): [E.EIO, E.EINTR, E.ENOSPC, E.EDQUOT],
    ("getrandom",): [E.EINTR, E.ENOSYS, E.EPERM], ("flock",): [E.EINTR, E.ENOLCK, E.EIO],
    ("fcntl",): [E.EINTR, E.ENOLCK, E.EIO], ("mkdir", "mkdirat"): [E.ENOSPC, E.EPERM, E.EIO],
    ("fchmod", "fchown", "utimensat"): [E.EPERM, E.EIO], ("newfstatat", "fstat", "statx"): [E.EIO],
    ("dup", "lseek"): [E.EIO], ("clone3", "clone"): [E.EAGAIN], ("pipe2",): [E.EMFILE],
    ("getdents64",): [E.EIO],
}
MEMORY = {("mmap",): [E.ENOMEM], ("brk",): [E.ENOMEM], ("mremap",): [E.ENOMEM], ("mprotect",): [E.ENOMEM]}
SHORT = [("read",), ("pread64",), ("write",), ("pwrite64",)]


def _places(counts, calls, slack):
    """Every position of these calls, and some more, because their number differs between runs."""
    return range(1, sum(counts.get(name, 0) for name in calls) + slack + 1)


def kills(stage):
    return [Fault("kill", at) for at in _places(stage.counts, ["all"], 8)]


def failures(stage):
    return [Fault("errno", at, calls, number) for calls, numbers in FAILURES.items()
            for at in _places(stage.counts, calls, 1 if any(name in stage.counts for name in calls) else 0)
            for number in numbers]


def shorts(stage):
    return [Fault("short", at, calls) for calls in SHORT for at in _places(stage.counts, calls, 0)]


def memory(stage):
    return [Fault("errno", at, calls, number) for calls, numbers in MEMORY.items()
            for at in _places(stage.counts, calls, 0) for number in numbers]




def isNotOurs(outcome):
    """True for faults that are not ours. SQLite treats an interrupted fsync or fcntl as failed, but on a local disk
    neither is ever interrupted. The same holds for a read of /proc, from which Swift's runtime takes the arguments."""
    return outcome.hit in ("fsync", "fdatasync", "fcntl") or b"the command line cannot be read" in outcome.messages


def inject(stage, fault, directory, mayNotBegin=False):
    """Runs the command once with one fault and returns the verdict: a word, or None if the fault was not reached."""
    root = tempfile.mkdtemp(dir=directory)
    here = stage.before.copy(os.path.join(root, "scene"))
    try:
        outcome = here.run(stage.command.arguments, fault, stdin=stage.command.stdin)
        if not outcome.hit:
            if outcome.status != 0:
                raise Lost(f"ends with {outcome.status} undisturbed: {outcome.messages[:200]}")
            return None, outcome
        if fault.kind == "kill" and outcome.status != -9 and outcome.status != 0:
            raise Lost(f"ends with {outcome.status} before it was killed")
        word = judge(stage, here, outcome, mayNotBegin)
        if (fault.errno == E.EINTR or fault.kind == "short") and word != "succeeded" and not isNotOurs(outcome):
            raise Lost(f"not tried again ({outcome.hit}): {outcome.messages.decode(errors='replace')[:200]}")
        if word != "succeeded":
            stage.later(here)
        return word, outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)


def injectWantOfMemory(stage, fault, directory):
    return inject(stage, fault, directory, mayNotBegin=True)


def thinned(faults, share):
    """Returns an even selection of this share of the faults, the same each time."""
    if share >= 1:
        return faults
    chosen = random.Random(1).sample(range(len(faults)), max(1, int(len(faults) * share)))
    return [faults[index] for index in sorted(chosen)]
