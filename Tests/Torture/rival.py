"""The chapter of the second user: a directory that another user may write, in which he makes a move before each of
our calls with a name. He puts his own links, files, directories and pipes in the place of existing names, and
removes them again. No other file of the first user may change, and no secret may get into a file that he can read.
Only root can act as two users."""
import ctypes, os, random, shutil, stat, tempfile

import tracer
from scene import Lost
from verdict import STATUSES, VAGUE

libc = ctypes.CDLL(None, use_errno=True)
MOVES = ["link to another's file", "link to his own file", "link to nothing", "his own file", "his own file exchanged", "removed",
         "directory", "link to his own directory", "link to another's directory", "pipe"]
# The target of a move: a file that the command names, or the newest hidden file in the directory.
HIDDEN = "hidden"
# These may be pipes. Then the command waits for input.
INPUTS = ("plain", "old.envc", "again.envc")
# The number of calls for which a move lasts. None: forever.
LASTING = [None, 1, 2]
EXCHANGE, CWD = 2, -100
HIS = b"his own"
# Commands whose output is accessible only to the owner, whatever the umask is. The output of the others is as private
# as their input.
PRIVATE = ("key export", "keystore backup", "keystore backup over", "init", "init key-file", "keystore protector add key-file",
           "keystore audit prune")
# Commands whose keystore is in a directory that he may write. He moves its log.
LOG = "../data/envcrypt/keystore.db-audit"
SHARED = ("keystore audit prune", "key create", "decrypt")


def why_not():
    if os.geteuid() != 0:
        return "only root can become a second user"
    child = os.fork()
    if child == 0:
        try:
            _become()
        except OSError:
            os._exit(1)
        os._exit(0)
    return "this system lets root become nobody else" if os.waitpid(child, 0)[1] else None


def _become():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def _as_rival(work):
    """Runs `work` as the other user. True if it succeeded."""
    child = os.fork()
    if child == 0:
        try:
            _become()
            done = work()
        except OSError:
            done = False
        except BaseException:
            os._exit(2)
        os._exit(0 if done is not False else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 2:
        raise Lost("the second user's move is not one")
    return status == 0


class Move:
    def __init__(self, at, target, kind, lasting):
        self.at, self.target, self.kind, self.lasting = at, target, kind, lasting

    def __repr__(self):
        back = f", back {self.lasting} calls later" if self.lasting else ""
        return f"before call {self.at}: {self.kind} in the place of {self.target}{back}"


class Look:
    """At each call he tries to read everything."""
    at, lasting = 10 ** 9, None

    def __repr__(self):
        return "looks at each call"


class Arena:
    """A scene whose work directory the rival may write, with his own files and with files that he must not change."""

    def __init__(self, before, root, command):
        self.here = before.copy(os.path.join(root, "scene"))
        self.command = command
        self.safe, self.loot = os.path.join(root, "safe"), os.path.join(root, "loot")
        os.chmod(root, 0o711)
        os.chmod(self.here.root, 0o711)
        for directory, _, names in os.walk(self.here.work):
            os.chmod(directory, 0o777)
            for name in names:
                os.chmod(os.path.join(directory, name), 0o600)
        os.makedirs(os.path.join(self.safe, "directory"))
        if command.name in SHARED:
            os.chmod(os.path.dirname(os.path.dirname(self.here.keystore)), 0o711)
            os.chmod(os.path.dirname(self.here.keystore), 0o777)
        # A message, so that any command would accept it.
        data = self.here.bytes("old.envc") or b"precious"
        for name in ("precious", "directory/precious"):
            with open(os.path.join(self.safe, name), "wb") as file:
                file.write(data)
            os.chmod(os.path.join(self.safe, name), 0o640)
        os.chmod(self.safe, 0o711)
        for directory in (self.loot, os.path.join(self.loot, "directory")):
            os.mkdir(directory)
            os.chown(directory, 65534, 65534)
        for number in range(3):
            _as_rival(lambda: self._own(os.path.join(self.loot, str(number))))
        self.secrets = self._secrets()
        self.state = _state(self.safe)
        # A place for files that he removed, so that they can be put back.
        self.aside = os.path.join(self.here.work, "aside")

    def _own(self, path):
        with open(path, "wb") as file:
            file.write(HIS)
        os.chmod(path, 0o666)

    def _secrets(self):
        """The data that he must not learn: plaintext, and the first bytes of a keystore."""
        found = {"the plaintext": self.here.bytes("plain")[1000:1032], "a keystore": b"SQLite format 3\0"}
        for name in ("0", "1", "2"):
            data = self.here.bytes(f"tree/{name}")
            if data and len(data) > 64:
                found[f"plaintext {name}"] = data[20:52]
        return found

    def place(self, target):
        if target != HIDDEN:
            return os.path.join(self.here.work, target)
        found = []
        for top in self.here.work, os.path.dirname(self.here.keystore):
            for directory, names, files in os.walk(top):
                found += [os.path.join(directory, name) for name in names + files
                          if name.startswith((".envcrypt-", ".keystore-"))]
        return max(found, key=lambda path: os.lstat(path).st_ctime_ns, default=None)

    def move(self, fault):
        """True if he could make the move."""
        path = self.place(fault.target)
        self.moved = path
        return path is not None and _as_rival(lambda: self._move(path, fault.kind))

    def _move(self, path, kind):
        own = os.path.join(self.loot, "0")
        if kind == "his own file exchanged":
            return self._exchange(path)
        if os.path.lexists(path):
            os.rename(path, self.aside)
        if kind == "link to another's file":
            os.symlink(os.path.join(self.safe, "precious"), path)
        elif kind == "link to his own file":
            os.symlink(own, path)
        elif kind == "link to nothing":
            os.symlink(os.path.join(self.loot, "new"), path)
        elif kind == "his own file":
            os.link(own, path)
        elif kind == "directory":
            os.mkdir(path, 0o777)
        elif kind == "link to his own directory":
            os.symlink(os.path.join(self.loot, "directory"), path)
        elif kind == "link to another's directory":
            os.symlink(os.path.join(self.safe, "directory"), path)
        elif kind == "pipe":
            os.mkfifo(path, 0o666)

    def _exchange(self, path):
        other = os.path.join(self.here.work, "other")
        if not os.path.lexists(other):
            os.link(os.path.join(self.loot, "1"), other)
        if libc.renameat2(CWD, path.encode(), CWD, other.encode(), EXCHANGE):
            return False

    def back(self, fault):
        def work():
            if fault.kind == "his own file exchanged":
                return self._exchange(self.moved)
            if os.path.lexists(self.moved):
                os.rename(self.moved, self.aside + "-his")
            if os.path.lexists(self.aside):
                os.rename(self.aside, self.moved)
        _as_rival(work)

    def look(self):
        """Fails if he can read a secret now."""
        said, saying = os.pipe()

        def work():
            for top in (self.here.work, self.loot):
                for directory, _, names in os.walk(top):
                    for name in names:
                        os.write(saying, self._read(os.path.join(directory, name)).encode())
        _as_rival(work)
        os.close(saying)
        with os.fdopen(said) as file:
            if found := file.read():
                raise Lost(f"the second user reads {found[:200]}")

    def _read(self, path):
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                return ""
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return ""
        return "".join(f"{what} in {path} " for what, secret in self.secrets.items() if secret in data)

    def judge(self, outcome):
        if _state(self.safe) != self.state:
            raise Lost("what is elsewhere was changed")
        self.look()
        for number in range(3):
            with open(os.path.join(self.loot, str(number)), "rb") as file:
                if file.read() != HIS:
                    raise Lost("something was written into the second user's file")
        if outcome.status < 0:
            raise Lost(f"ended by signal {-outcome.status}")
        if outcome.status != 0 and (
                outcome.status not in STATUSES | {64, 3} or b"envcrypt: " not in outcome.messages
                or any(word in outcome.messages for word in VAGUE)):
            raise Lost(f"ends with {outcome.status}: {outcome.messages[:200]}")
        if self.here.shape() is not None:
            status, _, said = self.here.answer("keystore", "check")
            errors = [line for line in said if ": error: " in line]
            # The log in his directory belongs to him, and so does the key file there that opens the keystore.
            isHis = self.command.name in SHARED and all("audit" in line for line in errors) or (
                "key" in self.command.produces and status in (66, 77) and all("/work/key" in line for line in errors))
            if status != 0 and not isHis:
                raise Lost(f"keystore check ends with {status}: {' '.join(said)[:300]}")
        return "succeeded" if outcome.status == 0 else "refused"


def _state(top):
    """Everything below a directory: names, kinds, owners, modes, times, contents."""
    found = []
    for directory, names, files in os.walk(top):
        for name in sorted(names + files) + ["."]:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            data = open(path, "rb").read() if stat.S_ISREG(status.st_mode) else None
            found.append((path, status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_nlink, data))
    return sorted(found, key=lambda row: row[0])


def _targets(command):
    """Returns the names that the command uses in the directory that he may write, its directories, and the hidden
    file that it creates."""
    names = [name for name in command.produces if name != "-"]
    names += [name for name in (*INPUTS, "tree", "out", "out/tree") if name in command.arguments
              or name.startswith("out") and any(one.startswith("out/") for one in names)]
    if any(word in command.name for word in ("backup",)):
        names += [f"{name}-audit" for name in list(names) if not name.endswith("-audit")]
    if command.name in SHARED:
        names.append(LOG)
    return [*dict.fromkeys(names), HIDDEN]


def moves(stage):
    command = stage.command
    if why_not() or command.isStream or not command.produces and command.name not in SHARED:
        return []
    root = tempfile.mkdtemp(dir=os.path.dirname(stage.before.root))
    try:
        outcome = _run(Arena(stage.before, root, command), Look(), lambda seen: None, record=tracer.NAMES)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    # Nothing outside this directory belongs to him.
    calls = [(at, call.path or "") for at, call in enumerate(outcome.calls, 1)
             if not (call.path or "").startswith("/") or call.path.startswith(root + "/")]
    found = [Move(at, target, kind, lasting) for target in _targets(command) for at in _times(target, calls)
             for kind in MOVES if kind != "pipe" or target not in INPUTS for lasting in LASTING]
    return [Look()] + random.Random(5).sample(found, min(len(found), 600))


def _times(target, calls):
    """Returns the calls before which a move can matter. The caller intends any change before the first look at the
    target."""
    names = (".envcrypt-", ".keystore-") if target == HIDDEN else (os.path.basename(target),)
    looks = [at for at, path in calls if os.path.basename(path).startswith(names)]
    return [at for at, path in calls if looks and at > looks[0]]


def _run(arena, fault, before, record=None):
    previous = os.umask(0 if arena.command.name in PRIVATE else 0o022)
    try:
        return arena.here.run(arena.command.arguments, tracer.Fault("each", fault.at, tracer.NAMES),
                              stdin=arena.command.stdin, before=before, record=record)
    finally:
        os.umask(previous)


def inject(stage, fault, directory):
    root = tempfile.mkdtemp(dir=directory)
    os.chmod(directory, 0o711)
    try:
        arena = Arena(stage.before, root, stage.command)
        did = []

        def before(seen):
            if isinstance(fault, Look):
                did.append(True)
                arena.look()
            elif seen == fault.at:
                did.append(arena.move(fault))
            elif fault.lasting and did == [True] and seen == fault.at + fault.lasting:
                arena.back(fault)

        outcome = _run(arena, fault, before)
        word = arena.judge(outcome)
        return (word if any(did) else None), outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)
