"""What is measured. Each group is a function of the bench, which makes its data and yields its
workloads one by one, so that a group that fails takes no other with it."""

import os
import shutil
from dataclasses import dataclass, field, replace
from typing import Callable

from .goals import Goal, rate, times_throughput, under_milliseconds, within_time
from .machine import (DISK, SHARED_MEMORY, Failure, cores, find_sdk, progress, room_in_memory,
                      room_on_disk)
from .measure import Contender, remove
from .peers import COPIES, write_random

NULL = "/dev/null"
SMALL_FILE = 4096
# Processes this short are over in milliseconds, so many rounds cost nothing.
SMALL_ROUNDS = 25
DISK_ROUNDS = 2
# Directories of the tree of small files, as trees have them.
FILES_IN_DIRECTORY = 100
# Everything of a group: plain, five sealed files and one output, and their overhead.
LARGE_FILES = 7.2
MIB_PER_CORE = 32
ENGINE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Workload:
    name: str
    title: str
    place: object
    contenders: list
    goals: list = field(default_factory=list)
    # Of what, and how much of it envcrypt does.
    amount: float = 1
    unit: str = "process"
    rounds: int | None = None
    warm_up: bool = True
    between: Callable | None = None
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """How large things are; `quick` is for a check that the script works."""
    size: int
    rounds: int
    files: int = 10_000
    aged_files: int = 300
    range_message: int = 10 << 30
    endless: int = 20 << 30
    sdk: int = 128 << 20
    keys: int = 100_000

    def resized(self, size):
        return replace(self, size=size)


def quick(rounds):
    return Scale(64 << 20, rounds, files=500, aged_files=50, range_message=256 << 20,
                 endless=512 << 20, sdk=8 << 20, keys=1000)


class Bench:
    """What the groups share."""

    def __init__(self, scale, memory, disk):
        self.scale, self.memory, self.disk = scale, memory, disk


def contend(program, stage, **more):
    return Contender(program.name, [stage], note=program.note, rounds=program.rounds, **more)


def copy(source, out):
    return Contender("cp", [["cp", source, out]], outputs=(out,), note=COPIES)


def size_text(size):
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift:
            return f"{size / (1 << shift):g} {unit}"
    return f"{size} bytes"


# Large files


def to_null(bench):
    place, size = bench.memory, bench.scale.size
    programs = place.programs.values()
    goals = [times_throughput("age", 3), within_time("evp-loop", 1.2)]
    title = f"{size_text(size)}, tmpfs to /dev/null"
    cat = lambda source: Contender("cat", [["cat", source]], note=COPIES)
    plain = place.plain()
    for program in programs:
        place.sealed(program.name)
    yield Workload("encrypt-null", f"encrypt {title}", place,
                   [contend(one, one.encrypt(plain, NULL)) for one in programs] + [cat(plain)],
                   goals, size, "bytes")
    yield Workload("decrypt-null", f"decrypt {title}", place,
                   [contend(one, one.decrypt(place.sealed(one.name), NULL)) for one in programs]
                   + [cat(place.sealed("envcrypt"))], goals, size, "bytes")


def file_to_file(place, scale, name, where, peers, goals, between=None):
    """Encrypting and decrypting beside `cp` of the file that is read."""
    programs = [place.programs[peer] for peer in peers]
    plain, size = place.plain(), scale.size
    for program in programs:
        place.sealed(program.name)
    yield Workload(f"encrypt-{name}", f"encrypt {size_text(size)}, {where}", place,
                   [contend(one, one.encrypt(plain, "out"), outputs=("out",)) for one in programs]
                   + [copy(plain, "out")], goals, size, "bytes", between=between)
    yield Workload(f"decrypt-{name}", f"decrypt {size_text(size)}, {where}", place,
                   [contend(one, one.decrypt(place.sealed(one.name), "out"), outputs=("out",))
                    for one in programs] + [copy(place.sealed("envcrypt"), "out")],
                   goals, size, "bytes", between=between)


def tmpfs(bench):
    return file_to_file(bench.memory, bench.scale, "tmpfs", "tmpfs to tmpfs",
                        ("envcrypt", "age", "evp-loop"), [within_time("cp", 1)])


def disk(bench):
    # Fewer programs: the disk makes each run dear. What a run wrote is removed, and the rest
    # brought to the disk, so that no run pays for another's.
    yield from file_to_file(bench.disk, bench.scale, "disk", "root disk, page cache warm",
                            ("envcrypt", "age"), [within_time("cp", 1.1)], between=os.sync)
    bench.disk.drop_large_files()


def pipe(bench):
    place, size = bench.memory, bench.scale.size
    programs = [place.programs[name] for name in ("envcrypt", "age", "openssl")]
    goals = [within_time("cat", 1.15), times_throughput("age", 2)]
    plain = place.plain()
    place.check_filters()

    def through(name, source, stage, note=""):
        return Contender(name, [["cat", source], stage, ["cat"]], focus=1, note=note)
    yield Workload("encrypt-pipe", f"cat | encrypt | cat of {size_text(size)}", place,
                   [through(one.name, plain, one.encrypting_filter, one.note) for one in programs]
                   + [through("cat", plain, ["cat"], COPIES)], goals, size, "bytes")
    yield Workload("decrypt-pipe", f"cat | decrypt | cat of {size_text(size)}", place,
                   [through(one.name, place.sealed(one.name), one.decrypting_filter, one.note)
                    for one in programs]
                   + [through("cat", place.sealed("envcrypt"), ["cat"], COPIES)],
                   goals, size, "bytes")


def sign(bench):
    place, size = bench.memory, bench.scale.size
    plain = place.plain()
    place.check_filters("--sign")
    yield Workload(
        "sign", f"encrypt --sign {size_text(size)}, tmpfs to /dev/null", place,
        [Contender("envcrypt", [place.encrypt(plain, NULL, "--sign")]),
         Contender("sha384", [["openssl", "dgst", "-sha384", plain]], note="hashes only")],
        [within_time("sha384", 1.1)], size, "bytes",
        note="A signature needs SHA-384 of the whole message in order, which one core computes: "
             "its speed is the limit, and `openssl dgst` shows it.")


def sdk(bench):
    """The SDK's key is envcrypt's, so each opens what the other wrote."""
    place, size = bench.memory, bench.scale.size
    amount = min(bench.scale.sdk, size)
    python = find_sdk()
    script = os.path.join(ENGINE, "sdk_stream.py")
    place.run([place.envcrypt, "key", "export", "alias/default", "--keystore", "keystore.db",
               "-f", "-o", "key.json"])
    plain = place.plain()
    write_random(place.path("part"), amount)
    stream = lambda mode, *more: [python, script, mode, "key.json", *more]
    unsigned = "AES_256_GCM_HKDF_SHA512_COMMIT_KEY"
    place.run(stream("encrypt", "part", "sdk.sealed"))
    place.run(stream("encrypt", "part", "unsigned.sealed", unsigned))
    check_sdk(place, stream)
    themselves = dict(amount=amount, times_itself=True)
    default, plainer = "Python SDK", "SDK, unsigned"
    goals = [times_throughput(default, 20)]
    note = ("The SDK's default signs as well; its row without a signature is for comparison. Its "
            "own time of the stream counts, not Python's start; envcrypt's is the whole process.")
    envcrypt = lambda stage, name="envcrypt", note="": Contender(name, [stage], note=note)
    small_frames = "envcrypt, 4 KiB"
    yield Workload(
        "encrypt-sdk", f"encrypt {size_text(size)} beside the Python SDK", place,
        [envcrypt(place.encrypt(plain, NULL)),
         envcrypt(place.encrypt(plain, NULL, "--frame-length", "4096"), small_frames,
                  "the SDK's frame length"),
         Contender(default, [stream("encrypt", "part", NULL)], **themselves),
         Contender(plainer, [stream("encrypt", "part", NULL, unsigned)], **themselves)],
        goals, size, "bytes", note=note)
    yield Workload(
        "decrypt-sdk", f"decrypt {size_text(size)} beside the Python SDK", place,
        [envcrypt(place.decrypt(place.sealed("envcrypt"), NULL)),
         Contender(default, [stream("decrypt", "sdk.sealed", NULL)], **themselves),
         Contender(plainer, [stream("decrypt", "unsigned.sealed", NULL)], **themselves)],
        goals, size, "bytes", note=note)
    remove(place.path("part"))


def check_sdk(place, stream):
    place.run(place.decrypt("sdk.sealed", "opened"))
    place.expect_same("part", "opened", "envcrypt, from the SDK,")
    place.run(place.encrypt("part", "ours.sealed"))
    place.run(stream("decrypt", "ours.sealed", "opened"))
    place.expect_same("part", "opened", "the SDK, from envcrypt,")
    for name in ("opened", "ours.sealed"):
        remove(place.path(name))


# Small files


def small(bench):
    place, name = bench.memory, "small"
    write_random(place.path(name), SMALL_FILE)
    age = place.programs["age"]
    keystores = {"envcrypt": "keystore.db", "envcrypt, key-file": "key-file.db"}
    place.run(age.encrypt(name, "small.age"))
    for label, keystore in keystores.items():
        sealed = f"{keystore}.small"
        place.run(place.encrypt(name, sealed, keystore=keystore))
        place.run(place.decrypt(sealed, "opened", keystore=keystore))
        place.expect_same(name, "opened", label)
    goals = [within_time("age", 1, ours=label, note=f" ({label.partition(', ')[2] or 'no'} protector)")
             for label in keystores]
    rounds = max(SMALL_ROUNDS, bench.scale.rounds)
    out = dict(outputs=("out",))
    yield Workload(
        "encrypt-small", "encrypt a 4 KiB file, whole process", place,
        [Contender(label, [place.encrypt(name, "out", keystore=keystore)], **out)
         for label, keystore in keystores.items()]
        + [contend(age, age.encrypt(name, "out"), **out), copy(name, "out")],
        goals, rounds=rounds)
    yield Workload(
        "decrypt-small", "decrypt a 4 KiB file, whole process", place,
        [Contender(label, [place.decrypt(f"{keystore}.small", "out", keystore=keystore)], **out)
         for label, keystore in keystores.items()]
        + [contend(age, age.decrypt("small.age", "out"), **out), copy(name, "out")],
        goals, rounds=rounds)


def make_tree(path, count):
    for number in range(count):
        directory = os.path.join(path, f"{number // FILES_IN_DIRECTORY:03}")
        os.makedirs(directory, exist_ok=True)
        write_random(os.path.join(directory, f"{number:05}"), SMALL_FILE)


def age_loop(command, source, out):
    """age takes one file at a time: a shell's loop, as its user would write it."""
    return ["sh", "-c", f'for f in {source}/*/*; do {command} {out} "$f"; done']


def many_files(place, scale, where, has_goals, rounds=None):
    """The goals are those of the program, so they hold where no disk takes part."""
    count, aged = scale.files, min(scale.aged_files, scale.files)
    for name, number in (("tree", count), ("tree-for-age", aged)):
        make_tree(place.path(name), number)
    recursive = lambda verb, source, *out: [place.envcrypt, verb, *place.options(), "-R", source,
                                            *out]
    for name in ("sealed", "opened", "aged"):
        os.mkdir(place.path(name))
    place.run(recursive("encrypt", "tree", "-o", "sealed"))
    place.run(recursive("decrypt", "sealed", "-o", "opened"))
    place.run(["diff", "-r", "tree", find_tree(place, "opened")])
    seal = age_loop(f"age -r {place.recipient} -o", "tree-for-age", 'aged/"${f##*/}".age')
    unseal = "age -d -i age.key -o"
    place.run(seal)
    os.makedirs(place.path("tree-of-age/0"))
    for name in os.listdir(place.path("aged")):
        os.rename(place.path(f"aged/{name}"), place.path(f"tree-of-age/0/{name}"))

    goals = [rate(count, 10_000, "files/s"), times_throughput("age", 25)] if has_goals else []
    slow = dict(amount=aged, note="a shell loop")
    work = [
        ("encrypt", [Contender("envcrypt", [recursive("encrypt", "tree", "-o", "out")],
                               directories=("out",)),
                     Contender("age", [seal], directories=("aged",), **slow),
                     Contender("cp", [["cp", "-R", "tree", "out"]], outputs=("out",),
                               note=COPIES)]),
        ("decrypt", [Contender("envcrypt", [recursive("decrypt", "sealed", "-o", "out")],
                               directories=("out",)),
                     Contender("age", [age_loop(unseal, "tree-of-age", 'aged/"${f##*/}"')],
                               directories=("aged",), **slow)]),
        ("verify", [Contender("envcrypt", [recursive("verify", "sealed")]),
                    Contender("age", [age_loop(unseal, "tree-of-age", NULL)], **slow)]),
    ]
    name = "files" if has_goals else "files-disk"
    for verb, contenders in work:
        yield Workload(f"{verb}-{name}", f"{verb} {count:,} files of 4 KiB, {where}", place,
                       contenders, goals, count, "files", rounds=rounds)
    for name in ("tree", "tree-for-age", "tree-of-age", "sealed", "opened", "aged"):
        remove(place.path(name))


def find_tree(place, name):
    """The tree below an output directory, whether or not it begins with the input's name."""
    below = place.path(name)
    while len(entries := os.listdir(below)) == 1 and entries[0] in ("tree", "sealed"):
        below = os.path.join(below, entries[0])
    return below


def files(bench):
    return many_files(bench.memory, bench.scale, "tmpfs", has_goals=True)


def files_disk(bench):
    # It is slow to remove the files again, and there is no goal.
    return many_files(bench.disk, bench.scale, "root disk", has_goals=False, rounds=DISK_ROUNDS)


# Long messages


def check_range(place):
    """A part of a random file: in zeros every part would look right."""
    write_random(place.path("plain-part"), 1 << 20)
    place.run(place.encrypt("plain-part", "part.sealed"))
    offset, length = 300_000, 200_000
    place.run(place.decrypt("part.sealed", "opened", "--offset", str(offset),
                            "--length", str(length)))
    with open(place.path("plain-part"), "rb") as plain, open(place.path("opened"), "rb") as part:
        if plain.read()[offset:offset + length] != part.read():
            raise Failure("decrypt --offset does not give that part")
    for name in ("plain-part", "part.sealed", "opened"):
        remove(place.path(name))


def make_zeros(place, size, out):
    place.run(["sh", "-c", f'head -c {size} /dev/zero | "$@"', "sh",
               place.envcrypt, "encrypt", *place.options(), "-f", "-o", out])


def part(bench):
    check_range(bench.memory)
    size = bench.scale.range_message
    place = bench.memory
    place.drop_large_files()
    if room_in_memory() < size * 1.01:
        place = bench.disk
        if room_on_disk() < size * 1.01:
            raise Failure(f"no room for {size >> 30} GiB in {SHARED_MEMORY} or {DISK}")
    progress(f"making a message of {size_text(size)} in {place.directory}")
    try:
        make_zeros(place, size, "large.sealed")
        command = [place.envcrypt, "decrypt", *place.options(), "--offset", str(size // 2),
                   "--length", "1", "-o", "-", "large.sealed"]
        if len(place.run(command)) != 1:
            raise Failure("decrypt --length 1 does not give one byte")
        yield Workload("part", f"1 byte from the middle of {size_text(size)}", place,
                       [Contender("envcrypt", [command])], [under_milliseconds(20)],
                       rounds=max(SMALL_ROUNDS, bench.scale.rounds))
    finally:
        remove(place.path("large.sealed"))


def memory(bench):
    """Memory must not grow with the message. One round: it is not the time that counts."""
    place, small_size, large_size = bench.memory, bench.scale.size, bench.scale.endless
    zeros = lambda name, size: Contender(
        name, [["head", "-c", str(size), "/dev/zero"],
               [place.envcrypt, "encrypt", *place.options(), "-o", NULL, "-f"]],
        focus=1, amount=size)
    small_name = f"envcrypt, {size_text(small_size)}"
    large_name = f"envcrypt, {size_text(large_size)}"
    peak = lambda results, name: results[name].peak_kib()
    goals = [Goal(f"the same memory at {size_text(large_size)} as at {size_text(small_size)}",
                  lambda results: peak(results, large_name) / peak(results, small_name), 1.1,
                  at_most=True)]
    yield Workload("memory", f"encrypt {size_text(large_size)} of zeros from a pipe", place,
                   [zeros(small_name, small_size), zeros(large_name, large_size)],
                   goals, large_size, "bytes", rounds=1, warm_up=False,
                   note="One run each, without a warm-up: what counts is the peak of memory.")


# A full keystore


def keystore(bench):
    place, count = bench.memory, bench.scale.keys
    python = find_sdk()
    write_random(place.path("small"), SMALL_FILE)
    contenders = []
    for number in (10, count):
        store = f"{number}-keys.db"
        place.make_keystore(store, "none")
        # One key is there, and one of the others is what the file is encrypted under.
        ids = place.run([python, os.path.join(ENGINE, "fill_keystore.py"), store,
                         str(number - 1)]).split()
        check_keys(place, store, ids)
        contenders.append(Contender(
            f"{number:,} keys", [place.encrypt("small", "out", "-k", ids[1], keystore=store)],
            outputs=("out",)))
    few, many = (one.name for one in contenders)
    yield Workload("keystore", f"encrypt a 4 KiB file under one of {count:,} keys", place,
                   contenders, [within_time(few, 1.2, ours=many)],
                   rounds=max(SMALL_ROUNDS, bench.scale.rounds))
    for number in (10, count):
        remove(place.path(f"{number}-keys.db"))


def check_keys(place, store, ids):
    for key in ids:
        place.run(place.encrypt("small", "sealed-small", "-k", key, keystore=store))
        place.run(place.decrypt("sealed-small", "opened", keystore=store))
        place.expect_same("small", "opened", f"key {key}")
    for name in ("sealed-small", "opened"):
        remove(place.path(name))


# In this order: groups that share the large files come first, `part` drops them.
GROUPS = {"null": to_null, "tmpfs": tmpfs, "pipe": pipe, "sign": sign, "sdk": sdk, "disk": disk,
          "part": part, "memory": memory, "small": small, "keystore": keystore, "files": files,
          "files-disk": files_disk}


def room_wanted(scale, names):
    """Bytes in shared memory and on the disk that the groups of these names need."""
    large = {"null", "tmpfs", "pipe", "sign", "sdk"} & set(names)
    in_memory = scale.size * LARGE_FILES if large else 0
    if "files" in names:
        in_memory = max(in_memory, scale.files * SMALL_FILE * 6)
    on_disk = scale.size * 5 if "disk" in names else 0
    if "files-disk" in names:
        on_disk = max(on_disk, scale.files * SMALL_FILE * 6)
    return int(in_memory) + (64 << 20), int(on_disk)


def memory_goal(peak_kib):
    """The last row: the greatest peak of all runs of envcrypt."""
    limit = MIB_PER_CORE * cores()
    return Goal(f"{MIB_PER_CORE} MiB for each of {cores()} cores", lambda _: peak_kib / 1024,
                limit, at_most=True, unit="MiB")
