"""Workloads with small files, each in its own process or many in one, and with many keys."""

import os
from dataclasses import replace

from .goals import rate, times_throughput, within_time
from .machine import find_sdk
from .measure import Contender, remove
from .peers import COPIES, write_random
from .workloads import HERE, NULL, SMALL_FILE, SMALL_ROUNDS, Workload, contend, copy

# The number of files in each directory of the tree, as in real trees.
FILES_IN_DIRECTORY = 100
FILES_ON_DISK = 2000


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
    protector = lambda label: label.partition(", ")[2] or "no"
    goals = [within_time("age", 1, ours=label, note=f" ({protector(label)} protector)")
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
    """age takes one file at a time. This is a shell loop as its user would write it."""
    return ["sh", "-c", f'for f in {source}/*/*; do {command} {out} "$f"; done']


def many_files(place, scale, where, has_goals, between=None):
    """The goals are for the program, so they apply only if no disk is involved."""
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
                       contenders, goals, count, "files", between=between)
    for name in ("tree", "tree-for-age", "tree-of-age", "sealed", "opened", "aged"):
        remove(place.path(name))


def find_tree(place, name):
    """Returns the tree below an output directory, whether it begins with the name of the input
    or not."""
    below = place.path(name)
    while len(entries := os.listdir(below)) == 1 and entries[0] in ("tree", "sealed"):
        below = os.path.join(below, entries[0])
    return below


def files(bench):
    return many_files(bench.memory, bench.scale, "tmpfs", has_goals=True)


def files_disk(bench):
    # Fewer files, because a disk removes them slowly. There is no goal, because the disk is measured. Synchronizes in
    # between, or one run would pay for the files that were removed before it.
    scale = replace(bench.scale, files=min(bench.scale.files, FILES_ON_DISK))
    return many_files(bench.disk, scale, "root disk", has_goals=False, between=os.sync)


# A full keystore


def keystore(bench):
    place, count = bench.memory, bench.scale.keys
    python = find_sdk()
    write_random(place.path("small"), SMALL_FILE)
    contenders = []
    for number in (10, count):
        store = f"{number}-keys.db"
        place.make_keystore(store, "none")
        # One key exists already, and the file is encrypted under one of the others.
        ids = place.run([python, os.path.join(HERE, "fill_keystore.py"), store,
                         str(number - 1)]).split()
        place.run([place.envcrypt, "keystore", "check", "--accept", "--keystore", store])
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
        remove(place.path("sealed-small"))
