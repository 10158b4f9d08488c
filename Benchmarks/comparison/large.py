"""Workloads with large files and long messages. Each group is a function of the bench that
creates its data and yields its workloads one by one."""

import os

from .goals import Goal, times_throughput, under_milliseconds, within_time
from .machine import DISK, SHARED_MEMORY, Failure, find_sdk, progress, room_in_memory, room_on_disk
from .measure import Contender, remove
from .peers import COPIES, write_random
from .workloads import HERE, NULL, SMALL_ROUNDS, Workload, contend, copy, size_text


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
    """Encrypts and decrypts, compared with `cp` of the input."""
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
    # Fewer programs, because runs on the disk take long. The output of a run is removed and the disk synchronized, so
    # that no run pays for another one.
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
    """The SDK uses envcrypt's key, so each can open the messages of the other."""
    place, size = bench.memory, bench.scale.size
    amount = min(bench.scale.sdk, size)
    python = find_sdk()
    script = os.path.join(HERE, "sdk_stream.py")
    place.run([place.envcrypt, "key", "export", "alias/default", "--keystore", "keystore.db",
               "-o", "key.json"])
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
    remove(place.path("ours.sealed"))


# Long messages


def check_range(place):
    """Decrypts a part of a random file. In a file of zeros every part would look correct."""
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
               place.envcrypt, "encrypt", *place.options(), "-o", out])


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
    """Memory must not grow with the message. One round, because the time does not matter."""
    place, small_size, large_size = bench.memory, bench.scale.size, bench.scale.endless
    zeros = lambda name, size: Contender(
        name, [["head", "-c", str(size), "/dev/zero"],
               [place.envcrypt, "encrypt", *place.options(), "-o", NULL]],
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
