"""The definition of a workload, the sizes, and the parts that many workloads share."""

import os
from dataclasses import dataclass, field, replace
from typing import Callable

from .measure import Contender
from .peers import COPIES

NULL = "/dev/null"
SMALL_FILE = 4096
# Processes this short end within milliseconds, so many rounds cost little.
SMALL_ROUNDS = 60
HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Workload:
    name: str
    title: str
    place: object
    contenders: list
    goals: list = field(default_factory=list)
    # The unit of the work and the amount that envcrypt does.
    amount: float = 1
    unit: str = "process"
    rounds: int | None = None
    warm_up: bool = True
    between: Callable | None = None
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """The sizes. `quick` is for a check that the script works."""
    size: int
    rounds: int
    files: int = 10_000
    aged_files: int = 300
    mixed_files: int = 20_000
    range_message: int = 10 << 30
    endless: int = 20 << 30
    sdk: int = 128 << 20
    keys: int = 100_000

    def resized(self, size):
        return replace(self, size=size)


def quick(rounds):
    return Scale(64 << 20, rounds, files=500, aged_files=50, mixed_files=500, range_message=256 << 20,
                 endless=512 << 20, sdk=8 << 20, keys=1000)


class Bench:
    """The data that the groups share."""

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
