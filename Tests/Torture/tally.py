"""Counts the results of the faults, and keeps the losses."""
import collections

WORDS = ["kept old", "became new", "in part", "went on", "succeeded", "refused", "told", "kept", "destroyed",
         "not begun"]
MEANING = {
    "kept old": "killed, everything as before", "became new": "killed, all of the work is there",
    "in part": "killed, some of several files done", "went on": "ended and started again until it was done",
    "succeeded": "the fault did not matter",
    "refused": "error message, everything as before", "told": "error message, though the change was made",
    "kept": "the material is there", "destroyed": "found due by two commands a day apart, and destroyed",
    "not begun": "the loader or the C library found no memory before the tool began"}


class Tally:
    def __init__(self):
        self.rows = {}
        self.losses = []
        self.skipped = []
        self.spread = collections.Counter()

    def add(self, chapter, command, word, fault=None, detail=None):
        row = self.rows.setdefault((chapter, command), collections.Counter())
        row["injected"] += 1
        row[word] += 1
        if word == "lost":
            self.losses.append(f"{chapter}, {command}, {fault}: {detail}")

    def skip(self, what):
        self.skipped.append(what)

    def chapter(self, chapter):
        """Returns the table of one chapter in Markdown."""
        rows = [(command, row) for (name, command), row in self.rows.items() if name == chapter]
        words = [word for word in WORDS if any(row[word] for _, row in rows)]
        columns = ["injected", *words, "lost"]
        lines = ["| " + " | ".join([chapter, *columns]) + " |", "|---" + "|--:" * len(columns) + "|"]
        for command, row in rows:
            lines.append("| " + " | ".join([command, *(str(row[word]) for word in columns)]) + " |")
        total = sum((row for _, row in rows), collections.Counter())
        lines.append("| " + " | ".join(["all", *(str(total[word]) for word in columns)]) + " |")
        return "\n".join(lines)

    @property
    def chapters(self):
        return list(dict.fromkeys(chapter for chapter, _ in self.rows))

    @property
    def injected(self):
        return sum(row["injected"] for row in self.rows.values())
