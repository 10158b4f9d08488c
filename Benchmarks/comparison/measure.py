"""Runs commands and measures their cost."""

import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field

from .machine import Failure, end, shown


@dataclass
class Contender:
    """A pipeline that does the work of a workload, or a part of it."""
    name: str
    stages: list
    # The contender's part of the workload's amount if it is less. Its times are scaled.
    amount: int | None = None
    # The number of rounds if those of the workload would take too long.
    rounds: int | None = None
    # Names in the directory that are removed before each run. Those in `directories` are created again.
    outputs: tuple = ()
    directories: tuple = ()
    # The stage whose processor time and memory are reported.
    focus: int = 0
    # The program measures its own work and prints seconds, so that its start is not counted.
    times_itself: bool = False
    note: str = ""


@dataclass
class Sample:
    wall: float
    user: float
    sys: float
    peak_kib: int


@dataclass
class Result:
    """Times are scaled to the workload's amount, memory is not."""
    contender: Contender
    scale: float = 1.0
    samples: list = field(default_factory=list)

    def median(self, key):
        factor = 1.0 if key == "peak_kib" else self.scale
        return factor * statistics.median(getattr(sample, key) for sample in self.samples)

    def walls(self):
        return [self.scale * sample.wall for sample in self.samples]

    def peak_kib(self):
        return max(sample.peak_kib for sample in self.samples)


class Runner:
    """Starts commands through the launcher, and ends those that are still running at the end."""

    def __init__(self, launcher):
        self.launcher = launcher
        self.running = {}

    def start(self, command, directory, source, out, errors):
        """Returns the process and the descriptor of its report."""
        report, sending = os.pipe()
        try:
            # In its own session the whole process group can be ended, including the children of a shell.
            process = subprocess.Popen(
                [self.launcher, str(sending), *command], cwd=directory, stdin=source, stdout=out,
                stderr=errors, pass_fds=[sending], start_new_session=True)
        except BaseException:
            os.close(report)
            raise
        finally:
            os.close(sending)
        self.running[process.pid] = process
        return process, report

    def measure(self, contender, directory):
        """Measures one run. The wall time is that of the pipeline; processor time and memory are
        those of the stage in `focus`. The last stage writes to /dev/null."""
        with tempfile.TemporaryFile() as errors:
            started, printed = self._start_all(contender, directory, errors)
            reports = [self._finish(*one) for one in started]
            for (*_, status), command in zip(reports, contender.stages):
                if status != 0:
                    raise Failure(f"{shown(command)}: {self._reason(errors, status)}")
        _, _, user, system, peak, _ = reports[contender.focus]
        wall = max(report[1] for report in reports) - min(report[0] for report in reports)
        if contender.times_itself:
            wall = float(printed)
        return Sample(wall, user, system, int(peak))

    def _start_all(self, contender, directory, errors):
        source, started = subprocess.DEVNULL, []
        last = len(contender.stages) - 1
        for index, command in enumerate(contender.stages):
            piped = index < last or contender.times_itself
            process, report = self.start(command, directory, source,
                                         subprocess.PIPE if piped else subprocess.DEVNULL, errors)
            if source is not subprocess.DEVNULL:
                source.close()
            source = process.stdout
            started.append((process, report))
        if not contender.times_itself:
            return started, None
        with source:
            return started, source.read()

    def _finish(self, process, report):
        with os.fdopen(report) as file:
            words = file.read().split()
        process.wait()
        self.running.pop(process.pid, None)
        if len(words) != 6:
            raise Failure("the launcher ended without a report")
        return [*map(float, words[:5]), int(words[5])]

    @staticmethod
    def _reason(errors, status):
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
        return lines[0] if lines else f"status {os.waitstatus_to_exitcode(status)}"

    def stop(self):
        """Ends all processes that a failure or an interrupt has left."""
        for process in list(self.running.values()):
            end(process)
        self.running.clear()

    def measure_in_turn(self, contenders, amount, directory, rounds, warm_up=True,
                        between=None):
        """A warm-up, which fills caches and is not counted, then rounds of A B C A B C."""
        results = [Result(one, amount / one.amount if one.amount else 1.0) for one in contenders]
        for turn in range(0 if warm_up else 1, rounds + 1):
            for result in results:
                if turn > (result.contender.rounds or rounds):
                    continue
                clear_outputs(result.contender, directory)
                if between:
                    between()
                sample = self.measure(result.contender, directory)
                if turn > 0:
                    result.samples.append(sample)
        for contender in contenders:
            clear_outputs(contender, directory, again=False)
        return results


def clear_outputs(contender, directory, again=True):
    """Removes the outputs: no program may pay for the output of another one, or find it."""
    for name in (*contender.outputs, *contender.directories):
        remove(os.path.join(directory, name))
    for name in contender.directories if again else ():
        os.mkdir(os.path.join(directory, name))


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def shown_pipeline(stages):
    return " | ".join(map(shown, stages))
