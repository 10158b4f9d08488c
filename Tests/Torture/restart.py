"""The chapter of runs that are ended and started again, several times, until one ends by itself: with --update the
result is that of an undisturbed run, and a last run finds nothing to do."""
import os, random, shutil, signal, stat, tempfile

import tracer
from scene import Lost

SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}
# A run that was ended leaves the rest to the next one, so later runs are shorter.
LONGEST = 8


class Ends:
    """Each run is ended by a signal at a system call; the last run is not disturbed."""

    def __init__(self, ends):
        self.ends = ends

    def __repr__(self):
        return "ended " + ", ".join(f"by {signal.Signals(SIGNALS[kind]).name} at call {at}" for kind, at in self.ends)


def restarts(stage):
    if "--update" not in stage.command.arguments:
        return []
    chance = random.Random(6)
    count = stage.counts["all"]
    return [Ends([(chance.choice(list(SIGNALS)), chance.randint(count // 3 if chance.random() < 0.8 else 1, count))
                  for _ in range(chance.randint(1, LONGEST))]) for _ in range(600)]


def _listing(here, isWhole):
    """Returns all entries of the work directory with their attributes, and the contents of those that are not messages.
    With `isWhole`, what tells a file that was left alone from one that was written again."""
    found = {}
    for directory, folders, files in os.walk(here.work):
        for name in folders + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            entry = [stat.filemode(status.st_mode), status.st_mtime_ns]
            if directory == here.work and name in folders:
                # The source has no time for it.
                entry.pop()
            elif isWhole and name in files:
                entry += [status.st_ino, status.st_ctime_ns]
            elif name in files and not name.endswith(".envc"):
                entry.append(open(path, "rb").read())
            found[os.path.relpath(path, here.work)] = entry
    return found


def _undisturbed(stage):
    """Returns the listing after an undisturbed run."""
    if not hasattr(stage, "listing"):
        here = stage.before.copy(stage.before.root + "-again")
        here.envcrypt(*stage.command.arguments)
        stage.listing = _listing(here, isWhole=False)
        here.remove()
    return stage.listing


def inject(stage, fault, directory):
    wanted = _undisturbed(stage)
    root = tempfile.mkdtemp(dir=directory)
    here = stage.before.copy(os.path.join(root, "scene"))
    arguments = stage.command.arguments
    try:
        ended = 0
        for kind, at in fault.ends:
            outcome = here.run(arguments, tracer.Fault(kind, at))
            if outcome.status not in (0, -SIGNALS[kind]):
                raise Lost(f"run {ended + 1} ends with {outcome.status}: {outcome.messages[:200]}")
            ended += outcome.status != 0
            stage.states(here, outcome)
        outcome = here.run(arguments)
        if outcome.status != 0:
            raise Lost(f"the last run ends with {outcome.status}: {outcome.messages[:200]}")
        if "old" in stage.states(here, outcome):
            raise Lost("the last run says it is done, and is not")
        _compare(wanted, _listing(here, isWhole=False), "an undisturbed run")
        if here.leftovers():
            raise Lost(f"left behind: {', '.join(here.leftovers())}")
        made = _listing(here, isWhole=True)
        said = here.messages(*arguments)
        if not any("0 files done" in line for line in said):
            raise Lost(f"one more run does something: {said}")
        _compare(made, _listing(here, isWhole=True), "the run before it")
        return "went on" if ended else "succeeded", outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _compare(wanted, found, name):
    different = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    if different:
        raise Lost(f"not as after {name}: {', '.join(different[:5])}")
