"""The report of a run: as text, as Markdown and as JSON."""

from dataclasses import asdict


from .measure import shown_pipeline

COLUMNS = ("", "median", "min", "max", "user", "sys", "peak memory", "rate", "time, first = 1", "")


class Outcome:
    """The results and verdicts of one workload, or the reason why there are none."""

    def __init__(self, workload, results=None, verdicts=(), error=None):
        self.workload, self.results = workload, results or {}
        self.verdicts, self.error = list(verdicts), error


def seconds(value, is_short):
    return f"{value * 1e3:.2f} ms" if is_short else f"{value:.3f} s"


def rate(workload, wall):
    if workload.unit == "bytes":
        return f"{workload.amount / wall / 1e6:,.0f} MB/s"
    return f"{workload.amount / wall:,.0f} files/s" if workload.unit == "files" else "-"


def scaled(workload, contender):
    if not contender.amount or contender.amount == workload.amount:
        return ""
    unit = "files" if workload.unit == "files" else "MiB"
    amount = contender.amount if unit == "files" else contender.amount >> 20
    return f"scaled from {amount:,} {unit}"


def row(workload, result, first):
    short = workload.unit == "process"
    walls, wall = result.walls(), result.median("wall")
    remarks = [result.contender.note, scaled(workload, result.contender)]
    # A program that measures itself excludes its start from the wall time, but not from its processor time.
    cpu = ["-" if result.contender.times_itself else seconds(result.median(key), short)
           for key in ("user", "sys")]
    return [result.contender.name, seconds(wall, short), seconds(min(walls), short),
            seconds(max(walls), short), *cpu, f"{result.peak_kib() / 1024:.1f} MiB",
            rate(workload, wall), f"{wall / first:.2f}", ", ".join(filter(None, remarks))]


def rows(outcome):
    first = next(iter(outcome.results.values())).median("wall")
    return [row(outcome.workload, result, first) for result in outcome.results.values()]


def judged(verdict):
    word = "reached" if verdict.is_reached else "MISSED"
    return f"{verdict.shown_value()} ({verdict.shown_limit()}): {word}"


# Text


def text_of(outcome):
    lines = ["", outcome.workload.title]
    if outcome.error:
        return "\n".join([*lines, f"  FAILED: {outcome.error}"])
    table = [list(COLUMNS), *rows(outcome)]
    widths = [max(len(line[column]) for line in table) for column in range(len(COLUMNS))]
    for line in table:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1])]
        lines.append("  " + "  ".join([*cells, line[-1]]).rstrip())
    lines += [f"  goal: {verdict.text}: {judged(verdict)}" for verdict in outcome.verdicts]
    lines += [f"  {outcome.workload.note}"] if outcome.workload.note else []
    lines += [f"  $ {shown_pipeline(result.contender.stages)}"
              for result in outcome.results.values()]
    return "\n".join(lines)


def summary_rows(outcomes):
    """Yields work, goal, ratio, limit, and if it is reached."""
    for outcome in outcomes:
        title = outcome.workload.title
        if outcome.error:
            yield [title, "works (it failed, see its section)", "", "", "no"]
        for verdict in outcome.verdicts:
            yield [title, verdict.text, verdict.shown_value(), verdict.shown_limit(),
                   "yes" if verdict.is_reached else "no"]


SUMMARY = ["work", "goal", "measured", "wanted", "reached"]


def text_summary(outcomes):
    table = [SUMMARY, *summary_rows(outcomes)]
    widths = [max(len(line[column]) for line in table) for column in range(len(SUMMARY))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in table)


# Markdown


def markdown_line(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def markdown_table(head, body, numbers):
    rule = ["--:" if column in numbers else "---" for column in range(len(head))]
    return [markdown_line(head), "|" + "|".join(rule) + "|", *map(markdown_line, body)]


def markdown_of(outcome):
    lines = ["", f"## {outcome.workload.title}", ""]
    if outcome.error:
        return [*lines, f"Failed: {outcome.error}"]
    lines += markdown_table(COLUMNS, rows(outcome), range(1, len(COLUMNS) - 1))
    if outcome.verdicts:
        lines += ["", *(f"- {one.text}: {judged(one)}" for one in outcome.verdicts)]
    if outcome.workload.note:
        lines += ["", outcome.workload.note]
    commands = [shown_pipeline(result.contender.stages) for result in outcome.results.values()]
    return [*lines, "", "```sh", *commands, "```"]


def markdown(machine, rounds, outcomes):
    """Returns the whole report. The documentation shows its first table."""
    lines = ["# Comparison", "", "Made by `Benchmarks/compare`; how, `Benchmarks/README.md` says.",
             "", *markdown_table(SUMMARY, summary_rows(outcomes), (2, 3)), "",
             "![Median times, each workload for itself](comparison.svg)", ""]
    lines += [f"- {key}: {value}" for key, value in machine.items()]
    lines += [f"- rounds: {rounds}, after one that warms up"]
    for outcome in outcomes:
        if outcome.results or outcome.error:
            lines += markdown_of(outcome)
    return "\n".join(lines) + "\n"


# JSON


def record_of(outcome):
    workload = outcome.workload
    record = {"workload": workload.name, "title": workload.title, "amount": workload.amount,
              "unit": workload.unit, "note": workload.note}
    if outcome.error:
        return record | {"error": outcome.error}
    programs = [{
        "program": name, "command": shown_pipeline(result.contender.stages),
        "note": result.contender.note, "amount": result.contender.amount or workload.amount,
        "median_seconds": result.median("wall"), "peak_rss_kib": result.peak_kib(),
        "samples": [asdict(sample) for sample in result.samples],
    } for name, result in outcome.results.items()]
    return record | {"programs": programs,
                     "goals": [asdict(verdict) for verdict in outcome.verdicts]}
