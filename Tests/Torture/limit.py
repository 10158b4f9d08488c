"""The chapter of the memory limit: an address space of so much, and no more."""
import os, resource, shutil, tempfile

from tracer import TooLong
from verdict import ENDED, judge


class Limit:
    def __init__(self, size):
        self.size = size

    def __repr__(self):
        return f"{self.size >> 10} KiB of address space"


def _run(stage, here, size):
    """libdispatch waits for a thread that the system does not grant: such a run is killed."""
    try:
        return here.run(
            stage.command.arguments, stdin=stage.command.stdin, limits={resource.RLIMIT_AS: size}, seconds=5)
    except TooLong:
        return ENDED


def limits(stage):
    """From what does not even load to what is enough, closer and closer."""
    low, high = 1 << 20, 4 << 30
    while high - low > 64 << 10:
        middle = (low + high) // 2
        here = stage.before.copy(stage.before.root + "-limited")
        outcome = _run(stage, here, middle)
        here.remove()
        low, high = (low, middle) if outcome.status == 0 else (middle, high)
    return [Limit(high + (64 << 10) - ((distance * distance) << 12)) for distance in range(1, 80)
            if distance * distance << 12 < high]


def inject(stage, fault, directory):
    root = tempfile.mkdtemp(dir=directory)
    here = stage.before.copy(os.path.join(root, "scene"))
    try:
        outcome = _run(stage, here, fault.size)
        word = judge(stage, here, outcome, mayTrap=True)
        if word != "succeeded":
            stage.later(here)
        return "waited" if outcome is ENDED else word, outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)
