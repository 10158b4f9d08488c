"""The chapter of clock jumps: commands over one keystore whose clocks are wrong at random. A key is destroyed by a
command only if one at least a day before it, by its clock, found it due too, and none in between saw an earlier clock."""
import os, random, sqlite3, time

import scene
from scene import Lost

DAY = 86_400
# In days: the deletion is due after a week.
DUE = 7
WRITES = [("key", "tag", "alias/new", "a=b"), ("key", "update", "alias/new", "--description", "second"),
          ("key", "rotation", "enable", "alias/new", "--days", "2560"), ("key", "enable", "alias/gone")]
USES = [("encrypt", "plain", "-f", "-q", "-k", "alias/new", "-o", "made"), ("verify", "-q", "kept.envc")]
SHOWS = [("key", "list"), ("keystore", "check"), ("keystore", "status")]


class Jumps:
    def __init__(self, root, numbers):
        self.here, self.numbers = scene.furnished(root), numbers
        self.here.envcrypt("encrypt", "plain", "-k", "alias/new", "-o", "kept.envc")
        self.here.envcrypt("key", "schedule-deletion", "-y", "alias/old", "--days", str(DUE))
        self.key = self.rows("SELECT targetKeyID FROM alias WHERE name = 'alias/old'")[0]
        self.seen = []

    def rows(self, query, *values):
        with sqlite3.connect(self.here.keystore) as database:
            return [row[0] for row in database.execute(query, values)]

    def is_there(self):
        return bool(self.rows("SELECT version FROM keyVersion WHERE keyID = ?", self.key))

    def step(self):
        """One command under a clock of its own. Returns whether the key is still there."""
        near = self.numbers.random() < 0.6
        # Quarters of a day, so that the seconds that a command takes make no difference.
        quarter = self.numbers.randint(4 * DUE - 4, 4 * DUE + 12) if near else self.numbers.randint(0, 4 * 400)
        kind = self.numbers.choices(["writes", "uses", "shows"], [5, 4, 1])[0]
        arguments = self.numbers.choice({"writes": WRITES, "uses": USES, "shows": SHOWS}[kind])
        outcome = self.here.run(arguments, ahead=quarter * DAY // 4)
        wanted = 69 if arguments[-1] == "alias/gone" else 0
        if outcome.status != wanted:
            raise Lost(f"{' '.join(arguments)} ends with {outcome.status}: {outcome.messages.decode(errors='replace')}")
        finders = [n for n, (other, _) in enumerate(self.seen)
                   if 4 * DUE <= other <= quarter - 4 and all(later >= other for later, _ in self.seen[n:])]
        there = self.is_there()
        if kind == "shows":
            if not there:
                raise Lost("a command that only shows has destroyed the key")
            return there
        if not there and not finders:
            raise Lost(f"destroyed by a wrong clock: {self.seen}, then {quarter}")
        if there and any(self.seen[n][1] == "writes" for n in finders):
            raise Lost(f"not destroyed: {self.seen}, then {quarter}")
        self.seen.append((quarter, kind))
        return there

    def finish(self):
        """With a right clock: all of the key is there, or nothing, and the log says so."""
        self.here.envcrypt("keystore", "check")
        events = self.here.envcrypt("keystore", "audit", "--operation", "DeleteKey").decode().count(self.key)
        if self.is_there():
            self.here.envcrypt("key", "cancel-deletion", "alias/old")
            self.here.envcrypt("key", "enable", "alias/old")
            if self.here.envcrypt("decrypt", "old.envc", "-o", "-") != self.here.bytes("plain") or events:
                raise Lost("a key that is there does not open its message, or is recorded as destroyed")
        elif events != 1:
            raise Lost(f"{events} records of one destruction")
        self.here.remove()


def run(tally, directory, minutes):
    """Some twenty commands where `minutes` is None."""
    end = time.monotonic() + (minutes or 0) * 60
    number = done = 0
    while done < 20 if minutes is None else number == 0 or time.monotonic() < end:
        try:
            jumps = Jumps(os.path.join(directory, f"clock{number}"), random.Random(number))
            there = True
            for _ in range(60):
                if not there:
                    break
                there = jumps.step()
                done += 1
                tally.add("clock jumps", "any", "succeeded")
            jumps.finish()
        except Lost as loss:
            tally.add("clock jumps", "any", "lost", f"round {number}", str(loss))
            done += 1
        number += 1
