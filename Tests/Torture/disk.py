"""The chapter of the full disk: a small tmpfs with a limited number of free pages."""
import ctypes, os, shutil

from scene import Lost, Scene
from verdict import judge

PAGE = os.sysconf("SC_PAGE_SIZE")
SIZE = 8 << 20
libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, PRIVATE = 0x20000, 0x10000000, 0x4000 | 0x40000
_mounts = {}


class Room:
    """This number of pages is free."""

    def __init__(self, pages):
        self.pages = pages

    def __repr__(self):
        return f"{self.pages} pages free"


def _call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mounted(directory):
    """Mounts a small file system for this process. Raises OSError if the system does not permit that."""
    if os.getpid() not in _mounts:
        user, group = os.geteuid(), os.getegid()
        _call(libc.unshare(NEWNS | (0 if user == 0 else NEWUSER)))
        if user != 0:
            for name, text in ("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1"):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        _call(libc.mount(b"none", b"/", None, PRIVATE, None))
        place = os.path.join(directory, f"disk-{os.getpid()}")
        os.makedirs(place, exist_ok=True)
        _call(libc.mount(b"tmpfs", place.encode(), b"tmpfs", 0, f"size={SIZE},mode=700".encode()))
        _mounts[os.getpid()] = place
    return _mounts[os.getpid()]


def why_not(directory):
    """Returns the reason why a small file system is not possible here; None if it is."""
    child = os.fork()
    if child == 0:
        status = 0
        try:
            mounted(directory)
        except OSError as error:
            status = error.errno or 1
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if status == 0 else f"no small tmpfs can be mounted: {os.strerror(status)}"


def rooms(stage):
    """From no room to more than is needed."""
    return [Room(pages) for pages in range(0, stage.pages + 8)]


def inject(stage, fault, directory):
    place = mounted(directory)
    root = os.path.join(place, "scene")
    filler = os.path.join(place, "filler")
    here = stage.before.copy(root)
    try:
        status = os.statvfs(place)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(PAGE, (status.f_bfree - fault.pages) * PAGE))
        if os.statvfs(place).f_bfree > fault.pages + 1:
            raise Lost("the disk is not as full as it should be")
        outcome = here.run(stage.command.arguments, stdin=stage.command.stdin)
        # The commands that look at the result write audit records, too.
        os.remove(filler)
        word = judge(stage, here, outcome)
        if word != "succeeded":
            stage.later(here)
        return word, outcome
    finally:
        for path in (root, filler):
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.exists(path):
                os.remove(path)
