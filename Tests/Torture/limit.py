"""The chapter of the memory limit: an address space of so much, and no more."""
import os, resource, shutil, tempfile

from scene import Lost
from verdict import judge


class Limit:
    def __init__(self, size):
        self.size = size

    def __repr__(self):
        return f"{self.size >> 10} KiB of address space"


def limits(stage):
    """From what does not even load to what is enough, closer and closer."""
    low, high = 1 << 20, 4 << 30
    while high - low > 64 << 10:
        middle = (low + high) // 2
        here = stage.before.copy(stage.before.root + "-limited")
        outcome = here.run(stage.command.arguments, stdin=stage.command.stdin, limits={resource.RLIMIT_AS: middle})
        here.remove()
        low, high = (low, middle) if outcome.status == 0 else (middle, high)
    return [Limit(high + (64 << 10) - ((distance * distance) << 12)) for distance in range(1, 80)
            if distance * distance << 12 < high]


def inject(stage, fault, directory):
    root = tempfile.mkdtemp(dir=directory)
    here = stage.before.copy(os.path.join(root, "scene"))
    try:
        outcome = here.run(stage.command.arguments, stdin=stage.command.stdin, limits={resource.RLIMIT_AS: fault.size})
        word = judge(stage, here, outcome, mayTrap=True)
        if word != "succeeded":
            stage.later(here)
        return word, outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)
