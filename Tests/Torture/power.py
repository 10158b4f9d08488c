"""The chapter of the power failure: data that a program wrote but did not synchronize is lost, partly or completely,
at each of its steps. The steps come from a recorded run, and the disk is a model of them."""
import os, random, shutil

from scene import Lost, Scene
from verdict import ENDED

RECORDED = {"openat", "write", "pwrite64", "ftruncate", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
            "unlinkat", "fsync", "fdatasync", "syncfs", "mkdir", "mkdirat"}
WAYS = ["nothing lost", "data lost", "names lost", "both lost", "some lost 1", "some lost 2", "some lost 3"]
SECTOR = 512
CREATE, TRUNCATE, UNNAMED = 0o100, 0o1000, 0o20000000


class Failure:
    """The power fails after step `at`, or after the end of the run if `at` is None."""

    def __init__(self, at, way):
        self.at, self.way = at, way

    def __repr__(self):
        return f"after {'the end' if self.at is None else f'step {self.at}'}: {self.way}"


def steps(stage):
    """Returns the effects of a command on files, recorded from a run: ("write", file, offset, bytes),
    ("cut", file, size), ("name", path, file or None), ("rename", from, to, file), ("directory", path),
    ("sync", file), ("sync names", directory), ("sync all",). Files are numbers."""
    if hasattr(stage, "recorded"):
        return stage.recorded
    here = stage.before.copy(os.path.join(os.path.dirname(stage.before.root), "recorded"))
    outcome = here.run(stage.command.arguments, stdin=stage.command.stdin, record=RECORDED)
    if outcome.status != 0:
        raise Lost("the run to be recorded fails")
    root = here.root
    numbers, found, ends = {}, [], {}
    base = {}
    for name in sorted(stage.before.files()):
        base[name] = numbers[name] = len(numbers)

    def place(path):
        path = os.path.normpath(os.path.join(here.work, path))
        if path == root:
            return ""
        return os.path.relpath(path, root) if path.startswith(root + "/") else None

    def number(name):
        if name not in numbers:
            numbers[name] = len(numbers) + 1000 + len(found)
        return numbers[name]

    for call in outcome.calls:
        name = call.path and place(call.path)
        if call.result < 0 or name is None:
            continue
        if call.name == "openat":
            flags = call.arguments[2]
            if flags & UNNAMED == UNNAMED:
                # A file without a name, with its number in the place of a name.
                continue
            if flags & CREATE and name not in numbers:
                found.append(("name", name, number(name)))
            elif flags & TRUNCATE:
                found.append(("cut", number(name), 0))
        elif call.name == "pwrite64":
            found.append(("write", number(name), call.arguments[3], call.data[:call.result]))
        elif call.name == "write":
            at = ends.get(name, 0)
            ends[name] = at + call.result
            found.append(("write", number(name), at, call.data[:call.result]))
        elif call.name == "ftruncate":
            found.append(("cut", number(name), call.arguments[1]))
        elif call.name in ("fsync", "fdatasync"):
            isDirectory = os.path.isdir(os.path.join(root, name))
            found.append(("sync names", name) if isDirectory else ("sync", number(name)))
        elif call.name == "syncfs":
            found.append(("sync all",))
        elif call.name in ("mkdir", "mkdirat"):
            found.append(("directory", name))
        elif call.name in ("link", "linkat"):
            to = place(call.data)
            numbers[to] = number(name)
            found.append(("name", to, numbers[to]))
        elif call.name in ("unlink", "unlinkat"):
            found.append(("name", name, None))
            numbers.pop(name, None)
        elif call.name in ("rename", "renameat", "renameat2"):
            to = place(call.data)
            numbers[to] = numbers.pop(name)
            found.append(("rename", name, to, numbers[to]))
    here.remove()
    stage.recorded = base, found
    return stage.recorded


def failures(stage):
    if not stage.command.survivesPower:
        return []
    _, found = steps(stage)
    return [Failure(at, way) for at in range(len(found) + 1) for way in WAYS]


def _apply(data, step):
    if step[0] == "cut":
        del data[step[2]:]
        data.extend(bytes(step[2] - len(data)))
    else:
        _, _, at, piece = step
        if len(data) < at:
            data.extend(bytes(at - len(data)))
        data[at:at + len(piece)] = piece


def _torn(step, chance):
    """Returns the sectors of a write that reached the disk."""
    if step[0] == "cut":
        return [step] if chance.random() < 0.5 else []
    _, file, at, data = step
    pieces = []
    begin = 0
    while begin < len(data):
        end = min(len(data), begin + SECTOR - (at + begin) % SECTOR)
        if chance.random() < 0.5:
            pieces.append(("write", file, at + begin, data[begin:end]))
        begin = end
    return pieces


def disk_after(stage, fault):
    """Returns the names and contents on the disk after the power failure."""
    base, found = steps(stage)
    contents = {number: bytearray(open(os.path.join(stage.before.root, name), "rb").read())
                for name, number in base.items()}
    names, pending, waiting = dict(base), {}, []
    # Directories that were created but are not on the disk. Their contents are missing.
    missing = {step[1] for step in found if step[0] == "directory"}
    chance = random.Random(f"{fault.at} {fault.way}")

    def name(step):
        missing.discard(step[1])
        _name(names, step)

    for step in found[:fault.at]:
        if step[0] in ("write", "cut"):
            contents.setdefault(step[1], bytearray())
            pending.setdefault(step[1], []).append(step)
        elif step[0] in ("name", "rename", "directory"):
            waiting.append(step)
        elif step[0] == "sync":
            for write in pending.pop(step[1], []):
                _apply(contents[step[1]], write)
        elif step[0] == "sync all":
            for file, writes in pending.items():
                for write in writes:
                    _apply(contents[file], write)
            for one in waiting:
                name(one)
            pending, waiting = {}, []
        elif step[0] == "sync names":
            kept = [one for one in waiting if os.path.dirname(one[2] if one[0] == "rename" else one[1]) != step[1]]
            for one in waiting:
                if one not in kept:
                    name(one)
            waiting = kept
    # Changes that were not synchronized. A file system keeps the order of names but not of data.
    if fault.way in ("nothing lost", "data lost"):
        arrived = len(waiting)
    elif fault.way in ("names lost", "both lost"):
        arrived = 0
    else:
        arrived = chance.randint(0, len(waiting))
    for one in waiting[:arrived]:
        name(one)
    for file, writes in pending.items():
        for write in writes:
            if fault.way in ("nothing lost", "names lost"):
                _apply(contents[file], write)
            elif fault.way.startswith("some"):
                for piece in _torn(write, chance):
                    _apply(contents[file], piece)
    return {path: bytes(contents.get(number, b"")) for path, number in names.items()
            if not any(path.startswith(directory + "/") for directory in missing)}


def _name(names, step):
    if step[0] == "directory":
        return
    if step[0] == "rename":
        names.pop(step[1], None)
        names[step[2]] = step[3]
    elif step[2] is None:
        names.pop(step[1], None)
    else:
        names[step[1]] = step[2]


def _keep_time(source, path, data):
    """Gives a file that has not changed its time, by which --update knows it."""
    try:
        with open(source, "rb") as file:
            if file.read() == data:
                status = os.stat(source)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    except FileNotFoundError:
        pass


def inject(stage, fault, directory):
    end = len(steps(stage)[1])
    if fault.at is not None and fault.at > end:
        return None, None
    # At the recorded path, because a keystore stores the path of its key file.
    root = os.path.join(os.path.dirname(stage.before.root), "recorded")
    here = Scene(root)
    try:
        for directory, _, _ in os.walk(stage.before.root):
            os.makedirs(os.path.join(root, os.path.relpath(directory, stage.before.root)), exist_ok=True)
        for name, data in disk_after(stage, fault).items():
            path = os.path.join(here.root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(data)
            _keep_time(os.path.join(stage.before.root, name), path, data)
        os.makedirs(here.work, exist_ok=True)
        found = stage.states(here, ENDED, auditMayEnd=True)
        if fault.at in (None, end) and "old" in found:
            raise Lost("it said that it was done, and what it did is not on the disk")
        stage.later(here, auditMayEnd=True)
        return ("kept old" if "new" not in found else "became new" if "old" not in found else "in part"), None
    finally:
        shutil.rmtree(root, ignore_errors=True)
