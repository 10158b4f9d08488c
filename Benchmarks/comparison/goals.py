"""The goals for envcrypt. Each is a ratio of two measurements of one run."""

import operator
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`value` computes a number from the workload's results by name. The goal is at least
    `limit`, or at most `limit` with `at_most`."""
    text: str
    value: object
    limit: float
    at_most: bool = False
    unit: str = ""

    def judge(self, results):
        value = self.value(results)
        holds = operator.le if self.at_most else operator.ge
        return Verdict(self.text, value, self.limit, self.at_most, self.unit,
                       holds(value, self.limit))


@dataclass(frozen=True)
class Verdict:
    text: str
    value: float
    limit: float
    at_most: bool
    unit: str
    is_reached: bool

    def shown_value(self):
        return number(self.value, self.unit)

    def shown_limit(self):
        return f"{'≤' if self.at_most else '≥'} {number(self.limit, self.unit)}"


def number(value, unit):
    digits = 0 if value >= 1000 else 1 if value >= 100 or unit in ("ms", "MiB") else 2
    return f"{value:,.{digits}f}" + (f" {unit}" if unit else "")


def times_throughput(peer, limit, ours="envcrypt"):
    """At least `limit` times as fast as `peer`."""
    return Goal(f"{limit:g} times the throughput of {peer}" if limit != 1
                else f"no slower than {peer}",
                lambda results: results[peer].median("wall") / results[ours].median("wall"), limit)


def within_time(peer, limit, ours="envcrypt", note=""):
    """At most `limit` times the time of `peer`."""
    text = f"within {limit:g} times the time of {peer}" if limit != 1 else f"no slower than {peer}"
    return Goal(text + note,
                lambda results: results[ours].median("wall") / results[peer].median("wall"),
                limit, at_most=True)


def rate(amount, limit, unit):
    return Goal(f"{limit:,} {unit}",
                lambda results: amount / results["envcrypt"].median("wall"), limit, unit=unit)


def under_milliseconds(limit):
    return Goal(f"under {limit} ms",
                lambda results: results["envcrypt"].median("wall") * 1e3, limit, at_most=True,
                unit="ms")
