"""The chapter of the memory limit: an address space of limited size."""
import os, resource, shutil, tempfile

from verdict import judge

STEP = 16 << 10


class Limit:
    def __init__(self, size):
        self.size = size

    def __repr__(self):
        return f"{self.size >> 10} KiB of address space"


def _run(stage, here, arguments, size):
    return here.run(arguments, stdin=stage.command.stdin, limits={resource.RLIMIT_AS: size}, seconds=20)


def _least(stage, arguments, isEnough):
    """Returns the smallest address space that is sufficient for a run, rounded to a step."""
    low, high = 1 << 20, 4 << 30
    while high - low > STEP:
        middle = (low + high) // 2
        here = stage.before.copy(stage.before.root + "-limited")
        outcome = _run(stage, here, arguments, middle)
        here.remove()
        low, high = (low, middle) if isEnough(outcome.status) else (middle, high)
    return high


def limits(stage):
    """Limits from what the tool needs to start to more than the work needs. They are closer together just below a
    sufficient size, and evenly spaced up to the size at which each thread gets its stack, which may be the last
    memory."""
    begins = _least(stage, ["--version"], lambda status: status in (0, 71))
    works = _least(stage, stage.command.arguments, lambda status: status == 0)
    near = [works + STEP - (distance * distance << 12) for distance in range(1, 40)]
    even = [begins + (works + (12 << 20) - begins) * part // 40 for part in range(1, 41)]
    return [Limit(size) for size in sorted({*near, *even}) if size >= begins]


def inject(stage, fault, directory):
    root = tempfile.mkdtemp(dir=directory)
    here = stage.before.copy(os.path.join(root, "scene"))
    try:
        outcome = _run(stage, here, stage.command.arguments, fault.size)
        word = judge(stage, here, outcome, mayNotBegin=True)
        if word != "succeeded":
            stage.later(here)
        return word, outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)
