"""The chapter of the crowd: hundreds of concurrent processes on one keystore, and one that holds it too long."""
import os, random, shutil, sqlite3, subprocess, tempfile, threading, time

import scene
from scene import Lost, Scene

# Longer than any process may take. More means a deadlock.
PATIENCE = 240


class Crowd:
    """Processes that were started together, by their kind of work."""

    def __init__(self, here):
        self.here, self.running = here, []

    def start(self, kind, *arguments):
        messages = tempfile.TemporaryFile(dir=Scene.place)
        output = tempfile.TemporaryFile(dir=Scene.place)
        self.running.append((kind, arguments, output, messages, subprocess.Popen(
            [Scene.tool, *arguments], cwd=self.here.work, env=self.here.environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=messages)))

    def wait(self, tally):
        """Returns the output of each process, by kind. Counts the processes that failed."""
        printed = {}
        end = time.monotonic() + PATIENCE
        for kind, arguments, output, messages, process in self.running:
            try:
                status = process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                status = "waits for ever"
            output.seek(0)
            messages.seek(0)
            said = messages.read().decode(errors="replace").strip()
            if status == 0 and not said:
                tally.add("crowd", kind, "succeeded")
                printed.setdefault(kind, []).append(output.read().decode().strip())
            else:
                tally.add("crowd", kind, "lost", " ".join(arguments), f"{status}: {said}")
            output.close()
            messages.close()
        return printed


def gather(tally, directory, rounds, have):
    """Starts `rounds` of about twenty processes each, all before it waits for any of them."""
    here = scene.furnished(os.path.join(directory, "crowd"))
    crowd = Crowd(here)
    here.write("policy.json", POLICY)
    kept = [here.envcrypt("keystore", "protector", "add", "none").decode().strip() for _ in range(rounds)]
    jobs = []
    for n in range(rounds):
        jobs += [("encrypt", "encrypt", "plain", "-k", "alias/old", "-o", f"made{n}.{m}") for m in range(4)]
        jobs += [("decrypt", "decrypt", "old.envc", "-o", f"open{n}.{m}") for m in range(3)]
        jobs += [("rotate", "key", "rotate", "-q", "alias/old"), ("rotate", "key", "rotate", "-q", "alias/new")]
        jobs += [("create", "key", "create", "-q", "--alias", f"alias/c{n}/{m}", "--tag", f"n={n}") for m in range(3)]
        jobs += [("tag", "key", "tag", "alias/new", f"t{n}=yes"), ("alias", "alias", "create", f"alias/a{n}", "alias/new")]
        jobs += [("protector add", "keystore", "protector", "add", "none"),
                 ("protector remove", "keystore", "protector", "remove", kept[n]), ("check", "keystore", "check")]
        if "keystore backup" in have:
            jobs += [("backup", "keystore", "backup", f"backup{n}.db")]
        if "key policy put" in have:
            jobs += [("policy", "key", "policy", "put", "alias/new", "policy.json")]
        if "template apply" in have:
            here.write(f"stack{n}.yaml", TEMPLATE.replace(b"alias/stack", b"alias/stack%d" % n))
            jobs += [("template", "template", "apply", f"stack{n}.yaml")]
    random.Random(3).shuffle(jobs)
    for kind, *arguments in jobs:
        crowd.start(kind, *arguments)
    printed = crowd.wait(tally)
    try:
        _examine(here, rounds, printed, have)
    except Lost as loss:
        tally.add("crowd", "afterwards", "lost", detail=str(loss))
    here.remove()


def _examine(here, rounds, printed, have):
    """Checks that the work of every process that reported success is there."""
    plain = here.bytes("plain")
    here.envcrypt("keystore", "check")
    for n in range(rounds):
        for m in range(4):
            if here.envcrypt("decrypt", f"made{n}.{m}", "-o", "-") != plain:
                raise Lost(f"made{n}.{m} decrypts to something else")
        for m in range(3):
            if here.bytes(f"open{n}.{m}") != plain:
                raise Lost(f"open{n}.{m} is something else")
        if "keystore backup" in have:
            path = here.path(f"backup{n}.db")
            here.envcrypt("keystore", "check", "--keystore", path)
            if here.envcrypt("decrypt", "old.envc", "-o", "-", "--keystore", path) != plain:
                raise Lost("a backup does not open a message")
    with sqlite3.connect(here.keystore) as database:
        def rows(query, *values):
            return [row[0] for row in database.execute(query, values)]
        if set(rows("SELECT id FROM masterKey")) < set(printed["create"]):
            raise Lost("a key that was printed is not there")
        for alias, wanted in ("alias/old", rounds + 1), ("alias/new", rounds + 1):
            found = rows("SELECT currentVersion FROM masterKey JOIN alias ON targetKeyID = id WHERE name = ?", alias)
            if found != [wanted]:
                raise Lost(f"{alias} has version {found}, after {rounds} rotations")
        if len(rows("SELECT name FROM alias WHERE name LIKE 'alias/a%'")) != rounds:
            raise Lost("an alias is missing")
        if len(rows("SELECT tagKey FROM tag WHERE tagKey LIKE 't%'")) != rounds:
            raise Lost("a tag is missing")
        if len(rows("SELECT id FROM protector")) != rounds + 1:
            raise Lost("a protector is missing, or one that was removed is there")


def held(tally, directory, seconds, name, commands, begin="EXCLUSIVE", isPatient=True):
    """Another program holds the keystore for `seconds`."""
    here = scene.furnished(os.path.join(directory, f"held-{seconds}-{begin}"))
    database = sqlite3.connect(here.keystore, isolation_level=None, check_same_thread=False)
    database.execute(f"BEGIN {begin}")

    def let_go():
        time.sleep(seconds)
        database.execute("ROLLBACK")

    holder = threading.Thread(target=let_go)
    holder.start()
    started = []
    for arguments in commands:
        started.append((arguments, time.monotonic(), subprocess.Popen(
            [Scene.tool, *arguments], cwd=here.work, env=here.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)))
    ended = {}

    def follow(process):
        output, messages = process.communicate(timeout=PATIENCE)
        ended[process.pid] = (time.monotonic(), messages)

    followers = [threading.Thread(target=follow, args=(process,)) for _, _, process in started]
    for one in followers:
        one.start()
    for one in followers:
        one.join()
    for arguments, begun, process in started:
        end, messages = ended[process.pid]
        took = end - begun
        messages = messages.decode(errors="replace")
        problem = None
        if isPatient:
            if process.returncode != 0:
                problem = f"{process.returncode} after {took:.0f} s: {messages}"
        elif process.returncode != 78 or "in use by another process" not in messages or "envcrypt: hint: " not in messages:
            problem = f"{process.returncode} after {took:.0f} s: {messages}"
        elif not 29 <= took <= 50:
            problem = f"gives up after {took:.0f} s: {messages}"
        tally.add("crowd", name, "lost" if problem else "succeeded" if isPatient else "refused",
                  " ".join(arguments), problem)
    holder.join()
    database.close()
    try:
        here.envcrypt("keystore", "check")
    except Lost as loss:
        tally.add("crowd", name, "lost", "afterwards", str(loss))
    here.remove()


def run(tally, directory, minutes, have):
    """Runs the whole chapter; only a few seconds if `minutes` is None."""
    writes = [["key", "create"], ["key", "rotate", "alias/old"], ["keystore", "protector", "add", "none"],
              ["alias", "create", "alias/x", "alias/old"]]
    reads = [["encrypt", "plain", "-k", "alias/old", "-o", "made"], ["decrypt", "old.envc", "-o", "open"],
             ["key", "list"], ["keystore", "check"]]
    if "keystore backup" in have:
        reads.insert(0, ["keystore", "backup", "copy.db"])
    # The keystore is held for longer than any process waits, during everything else.
    long = threading.Thread(target=held, args=(
        tally, directory, 45, "held for 45 s", writes + (reads if minutes else reads[:1]), "EXCLUSIVE", False))
    long.start()
    held(tally, directory, 3, "held for 3 s", writes + reads)
    held(tally, directory, 3, "held by a writer for 3 s", writes + reads, "IMMEDIATE")
    if minutes is None:
        gather(tally, os.path.join(directory, "few"), 4, have)
    else:
        end = time.monotonic() + minutes * 60
        number = 0
        while number == 0 or time.monotonic() < end:
            gather(tally, os.path.join(directory, f"many{number}"), 24, have)
            number += 1
    long.join()


POLICY = b"""{"Version": "2012-10-17", "Statement": [{"Sid": "all", "Effect": "Allow",
  "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}]}"""
TEMPLATE = b"""AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      Description: of a template
      KeyPolicy:
        Version: '2012-10-17'
        Statement:
          - {Sid: all, Effect: Allow, Principal: {AWS: '*'}, Action: 'kms:*', Resource: '*'}
  Alias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/stack, TargetKeyId: !Ref Key}
"""
