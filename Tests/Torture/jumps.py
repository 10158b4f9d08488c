"""The chapter of the wrong clock: days or years ahead for a command or two, back again, or behind. A key that is
pending deletion and imported material that expires are destroyed only after two commands a day apart have found them
due."""
import datetime, json, os, random, shutil, tempfile

import material
from scene import Lost

DAY, HOUR = 86_400, 3_600
# The times at which they are due, by the correct clock.
DUE = {"doomed": 7 * DAY, "imported": 10 * DAY}
PLACES = [0, 0, 0.5, 6.9, 7.1, 8.0, 8.2, 9.9, 10.1, 11.2, 40, 40.9, 41.1, 42.5, 400, 4_200, 36_500, -0.5, -2, -400, -18_000]
CURATED = [
    (40,), (40, 0), (40, 40.9), (40, 41.1), (40, 0, 41.1), (40, 0, 40, 41.1), (40, 39, 40.5), (40, 39, 40.1), (7.1, 8.2),
    (7.1, 0, 8.2, 0), (36_500,), (36_500, 0, 40), (36_500, 36_502), (-18_000, 40), (6.9, 7.1, 8.0), (10.1, 11.2),
    (10.1, 0, 11.2, 11.9), (40, 41.1, 0), (400, 40, 42.5)]
# Commands that write to the keystore, which look at the time, and commands that do not.
WRITES = ["key tag alias/new n={}", "key rotate alias/old", "key create --description made{}", "alias create alias/c{} alias/new"]
READS = ["encrypt plain -k alias/old -o made{}", "decrypt old.envc -o -", "key list", "key describe alias/new"]


class Jumps:
    """Commands, each with a clock that is a number of days ahead."""

    def __init__(self, steps):
        self.steps = steps

    def __repr__(self):
        return ", ".join(f"{days:+g} days: {' '.join(command)}" for days, command in self.steps)


def jumps(stage):
    if stage.command.name != "key schedule-deletion":
        return []
    chance = random.Random(4)
    places = CURATED + [tuple(chance.choice(PLACES) for _ in range(chance.randint(2, 6))) for _ in range(400)]
    found = []
    for number, days in enumerate(places):
        lines = [chance.choice(WRITES if number < len(CURATED) or chance.random() < 0.8 else READS) for _ in days]
        found.append(Jumps([(day, line.format(n).split()) for n, (day, line) in enumerate(zip(days, lines))]))
    return found


def _scene(stage):
    """Returns the scene with a key that is pending deletion, material that expires, and a message under each."""
    if not hasattr(stage, "clocked"):
        here = stage.before.copy(stage.before.root + "-clocked")
        here.envcrypt("key", "create", "--alias", "alias/doomed", "--description", "doomed")
        key = json.loads(here.envcrypt("kms", "create-key", "--origin", "EXTERNAL"))["KeyMetadata"]["KeyId"]
        parameters = json.loads(here.envcrypt(
            "kms", "get-parameters-for-import", "--key-id", key, "--wrapping-key-spec", "RSA_2048",
            "--wrapping-algorithm", "RSAES_OAEP_SHA_256"))
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=DUE["imported"])
        here.envcrypt(
            "kms", "import-key-material", "--key-id", key, "--import-token", parameters["ImportToken"],
            "--encrypted-key-material", material.wrapped(os.urandom(32), parameters["PublicKey"]),
            "--expiration-model", "KEY_MATERIAL_EXPIRES", "--valid-to", end.strftime("%Y-%m-%dT%H:%M:%SZ"))
        here.envcrypt("alias", "create", "alias/imported", key)
        for name in DUE:
            here.envcrypt("encrypt", "plain", "-k", f"alias/{name}", "-o", f"{name}.envc")
        here.envcrypt("key", "schedule-deletion", "alias/doomed", "--days", "7", "--yes")
        stage.clocked = here
    return stage.clocked


def may_be_gone(steps, due):
    """True if two commands a day apart have found it due, and no command between them saw an earlier time."""
    times = [days * DAY for days, command in steps if _looks(command)]
    return any(
        first >= due - HOUR and second - first >= DAY - HOUR / 10 and min(times[n:m]) >= first
        for n, first in enumerate(times) for m, second in enumerate(times) if m > n)


def must_be_gone(steps, due):
    """True if two consecutive commands that write have found it due, and the clock never went back before."""
    steps = [(days * DAY, isWrite) for days, isWrite in ((days, _writes(command)) for days, command in steps)]
    for n in range(1, len(steps)):
        (first, one), (second, other) = steps[n - 1:n + 1]
        if second < first:
            return False
        if one and other and first >= due + HOUR and second - first >= DAY + HOUR:
            return True
    return False


def _looks(command):
    """False for a command that only shows records: it does not need the root key, so it cannot change what is due."""
    return tuple(command[:2]) not in [("key", "list"), ("key", "describe")]


def _writes(command):
    return any(command[:2] == line.split()[:2] for line in WRITES)


def inject(stage, fault, directory):
    before = _scene(stage)
    root = tempfile.mkdtemp(dir=directory)
    here = before.copy(os.path.join(root, "scene"))
    try:
        # The time at which the key was last found due. None after a message that the clock has gone back.
        found = None
        for number, (days, command) in enumerate(fault.steps, 1):
            outcome = here.run(command, ahead=int(days * DAY))
            if outcome.status != 0:
                raise Lost(f"{' '.join(command)} at {days:+g} days ends with {outcome.status}: {outcome.messages[:200]}")
            if found is not None and days < found - 0.1 and not may_be_gone(fault.steps[:number], DUE["doomed"]):
                if b"clock" in outcome.messages:
                    found = None
                elif _writes(command):
                    raise Lost(f"nothing is said of a clock that goes from {found:+g} to {days:+g} days")
            if _writes(command) and days * DAY > DUE["doomed"] + HOUR:
                found = days
        return _judge(here, before, fault), outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _judge(here, before, fault):
    """Checks the result, with the correct clock."""
    here.envcrypt("keystore", "check")
    plain = before.bytes("plain")
    if here.envcrypt("decrypt", "old.envc", "-o", "-") != plain:
        raise Lost("a message under another key opens no more")
    gone = []
    for name, due in DUE.items():
        if name == "doomed":
            here.envcrypt("key", "cancel-deletion", "alias/doomed", status=None)
            here.envcrypt("key", "enable", "alias/doomed", status=None)
        if here.envcrypt("decrypt", f"{name}.envc", "-o", "-", status=None) == plain:
            if must_be_gone(fault.steps, due):
                raise Lost(f"the material of {name} is there, after two commands a day apart have found it due")
        elif may_be_gone(fault.steps, due):
            gone.append(name)
        else:
            raise Lost(f"the material of {name} is gone")
    return "destroyed" if gone else "kept"
