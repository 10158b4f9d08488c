"""A tree of mixed files, as a backup has it: the first run, a run in which nothing has changed, and
the way back. Beside the programs that people use for it."""

import os
import random
import shlex

from .goals import within_time
from .machine import Failure, install, run
from .measure import Contender, remove
from .peers import COPIES
from .workloads import Workload

# The programs beside those that every group needs, and their Debian packages.
PACKAGES = {"rsync": "rsync", "rclone": "rclone", "restic": "restic", "gocryptfs": "gocryptfs",
            "fusermount3": "fuse3"}
FILES_IN_DIRECTORY = 50
LINKS = 0.02
# The share of files of a kind, and the range of their sizes.
SIZES = ((0.60, 0, 8 << 10), (0.30, 8 << 10, 64 << 10), (0.09, 64 << 10, 256 << 10),
         (0.01, 256 << 10, 2 << 20))
# The mean size in bytes of a file of these kinds.
MEAN_SIZE = sum(share * (low + high) / 2 for share, low, high in SIZES)
# The source, the result of each program, and one more output.
COPIES_OF_TREE = 8
ROUNDS = 3
# gocryptfs and restic derive a key at every start. The tree is to be measured, not scrypt.
EASY_SCRYPT = ["-scryptn", "10"]


def make_tree(path, count):
    """Files and links with a fixed layout. Sizes come from a fixed seed, contents do not."""
    chance = random.Random(20_000)
    kinds, weights = list(SIZES), [share for share, _, _ in SIZES]
    total = 0
    for number in range(count):
        directory = os.path.join(path, f"{number // 2500:02}", f"{number // FILES_IN_DIRECTORY:04}")
        os.makedirs(directory, exist_ok=True)
        name = os.path.join(directory, f"file {number:05}.dat")
        if chance.random() < LINKS and number % FILES_IN_DIRECTORY:
            os.symlink(f"file {number - 1:05}.dat", name)
            continue
        _, low, high = chance.choices(kinds, weights)[0]
        size = chance.randrange(low, high)
        with open(name, "wb") as file:
            file.write(os.urandom(size))
        os.chmod(name, chance.choice((0o644, 0o600, 0o755)))
        total += size
    return total


class Backup:
    """A program that keeps an encrypted copy of `tree` in `result`. `again` runs with the copy
    there; `first` without it. `back` fills the empty directory `back`."""

    def __init__(self, name, first, back, again=None, note="", is_mounted=False):
        self.name, self.first, self.back, self.again, self.note = name, first, back, again, note
        self.result = f"backup-{name.split()[0].replace('|', '-')}"
        # Outputs that are removed before each first run.
        self.outputs = () if is_mounted else (self.result,)


def shell(text):
    return ["sh", "-c", text]


def programs(place):
    """Yields the programs in the order of the table. Commands run in the directory of the place."""
    ours = lambda verb, *rest: [place.envcrypt, verb, *place.options(), "-R", *rest]
    copy = "backup-envcrypt"
    yield Backup("envcrypt", ours("encrypt", "tree/", "-o", f"{copy}/"),
                 ours("decrypt", f"{copy}/", "-o", "back/"),
                 ours("encrypt", "--update", "tree/", "-o", f"{copy}/"))
    yield Backup("rsync", ["rsync", "-a", "tree/", "backup-rsync/"],
                 ["rsync", "-a", "backup-rsync/", "back/"],
                 ["rsync", "-a", "tree/", "backup-rsync/"], COPIES)
    yield Backup("tar|age", shell(f"tar c tree | age -r {place.recipient} > backup-tar-age"),
                 shell("age -d -i age.key backup-tar-age | tar x -C back"),
                 note="everything again, as tar has it")
    yield from rclone(place)
    yield from restic(place)


def rclone(place):
    secret = place.run(["rclone", "obscure", os.urandom(16).hex()]).strip()
    with open(place.path("rclone.conf"), "w") as file:
        file.write(f"[crypt]\ntype = crypt\nremote = {place.path('backup-rclone')}\n"
                   f"password = {secret}\n")
    command = ["rclone", "--config", "rclone.conf", "--links"]
    sync = [*command, "sync", "tree", "crypt:"]
    yield Backup("rclone crypt", sync, [*command, "copy", "crypt:", "back"], sync,
                 "no owners, no modes")


def restic(place):
    with open(place.path("restic-password"), "w") as file:
        file.write(os.urandom(16).hex())
    base = ["restic", "-q", "--no-cache", "--password-file", "restic-password", "-r"]
    place.run([*base, "restic-empty", "init"])
    backup = [*base, "backup-restic", "backup", "tree"]
    yield Backup("restic", shell(f"cp -r restic-empty backup-restic && {shlex.join(backup)}"),
                 [*base, "backup-restic", "restore", "latest", "--target", "back"], backup,
                 "cuts files into chunks, keeps every state")


class Mounted:
    """gocryptfs shows a directory of encrypted files as a file system. rsync copies into it."""

    def __init__(self, place):
        self.place, self.is_mounted = place, False

    def __enter__(self):
        place = self.place
        for name in ("backup-gocryptfs", "mounted"):
            os.mkdir(place.path(name))
        place.run(["gocryptfs", "-q", "-init", *EASY_SCRYPT, "-passfile", "passphrase",
                   "backup-gocryptfs"])
        place.run(["gocryptfs", "-q", "-passfile", "passphrase", "backup-gocryptfs", "mounted"])
        self.is_mounted = True
        copy = ["rsync", "-a", "tree/", "mounted/tree/"]
        first = shell(f"rm -rf mounted/tree && {shlex.join(copy)}")
        return Backup("gocryptfs", first, ["rsync", "-a", "mounted/tree/", "back/"], copy,
                      "a mount and rsync; removing the old copy is counted", is_mounted=True)

    def __exit__(self, *_):
        if self.is_mounted:
            run(["fusermount3", "-u", self.place.path("mounted")])


def trees(bench):
    install(PACKAGES)
    place, count = bench.memory, bench.scale.mixed_files
    size = make_tree(place.path("tree"), count)
    backups = list(programs(place))
    try:
        with Mounted(place) as mounted:
            backups.append(mounted)
            for one in backups:
                check(place, one)
            yield from workloads(bench, backups, f"{count:,} mixed files, {size >> 20} MiB")
    finally:
        for name in ("tree", "restic-empty", "mounted", *(one.result for one in backups)):
            remove(place.path(name))


def workloads(bench, backups, title):
    """The first run comes last, because it removes the copies."""
    def workload(name, text, contender, goals=()):
        return Workload(f"tree-{name}", f"{title}: {text}", bench.memory,
                        [contender(one) for one in backups], list(goals),
                        bench.scale.mixed_files, "files", rounds=min(bench.scale.rounds, ROUNDS))
    yield workload("unchanged", "a run in which nothing has changed, tmpfs",
                   lambda one: Contender(one.name, [one.again or one.first], note=one.note),
                   [within_time("rsync", 1.5)])
    yield workload("restored", "all of it restored, tmpfs",
                   lambda one: Contender(one.name, [one.back], directories=("back",),
                                         note=one.note))
    yield workload("first", "the first run, tmpfs",
                   lambda one: Contender(one.name, [one.first], outputs=one.outputs,
                                         note=one.note))


def check(place, backup):
    """Makes the copy, and compares what comes back with the tree."""
    place.run(backup.first)
    os.mkdir(place.path("back"))
    place.run(backup.back)
    back = place.path("back")
    below = os.path.join(back, "tree")
    different = run(["diff", "-r", "--no-dereference", place.path("tree"),
                     below if os.path.isdir(below) else back])
    if different:
        raise Failure(f"{backup.name} does not give back what it encrypted")
    remove(back)
