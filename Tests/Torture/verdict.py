"""Checks every file after a fault: is each in its old or its new state?"""
import json, os, stat

import scene
from scene import BESIDE_KEYSTORE, LEFTOVER, Lost

# Exit statuses that give a reason, and texts that a message must not contain.
STATUSES = {65, 66, 69, 70, 71, 73, 74, 77, 78}
VAGUE = (b"unexpected failure", b"DatabaseError", b"Fatal error", b"(libc", b"SQLITE_")


class Stage:
    """A command with its initial scene, and its result without a fault."""

    def __init__(self, command, directory):
        self.command = command
        self.before = command.base(os.path.join(directory, "before"))
        for name, data in command.sources.items():
            self.before.write(name, data)
        self.names = self.before.files()
        self.old = self.before.shape()
        self.keptBytes = {name: self.before.bytes(name) for name in self._work_files()}
        self.plain = self.before.bytes("plain")
        size = self.before.size()
        undisturbed = self.before.copy(os.path.join(directory, "undisturbed"))
        outcome = undisturbed.run(command.arguments, stdin=command.stdin)
        if outcome.status != 0:
            raise Lost(f"{command.name} fails undisturbed: {outcome.messages.decode(errors='replace')}")
        self.counts = outcome.counts
        self.new = undisturbed.shape()
        # The disk space that the work needs: its result, and the same again for what it wrote in between.
        self.pages = 24 + 2 * (undisturbed.size() - size)
        if command.changesStore and self.new == self.old:
            raise Lost(f"{command.name} changes nothing")
        for name in command.produces:
            if self._file_state(undisturbed, name, outcome) != "new":
                raise Lost(f"{command.name} does not make {name}")
        undisturbed.remove()

    @property
    def _gone(self):
        return [name for name, kind in self.command.produces.items() if kind == "gone"]

    def _work_files(self):
        return [name[5:] for name in self.names if name.startswith("work/")]

    def _file_state(self, here, name, outcome):
        """Returns "old" or "new". Raises Lost otherwise."""
        kind = self.command.produces[name]
        data = outcome.output if name == "-" else here.bytes(name)
        if data == self.keptBytes.get(name):
            return "old"
        if name == "-" and outcome.status != 0:
            return "old"
        if kind == "gone" and data is not None:
            raise Lost(f"{name} is another file")
        wanted = self.plain
        if kind == "tree":
            kind, wanted = "message", self.before.bytes(name.split("/", 1)[1].removesuffix(".envc"))
        elif kind == "copy":
            kind, wanted = "plain", self.before.bytes(name.split("/", 1)[1])
        if kind == "message":
            if here.envcrypt("decrypt", "-o", "-", stdin=data) != wanted:
                raise Lost(f"{name} decrypts to something else")
        elif kind == "plain" and data != wanted:
            raise Lost(f"{name} has {len(data)} bytes, not the {len(wanted)} of the plaintext")
        elif kind == "secret" and (len(data) != 32 or os.stat(here.path(name)).st_mode & 0o077):
            raise Lost(f"{name} is no key file of ours")
        elif kind == "wrapped" and len(here.envcrypt("data-key", "decrypt", name)) != 32:
            raise Lost(f"{name} is not a wrapped key")
        elif kind == "escrow":
            try:
                if not json.loads(data)["keys"][0]["material"]:
                    raise Lost(f"{name} has no key in it")
            except ValueError:
                raise Lost(f"{name} is half written")
        elif kind in ("backup", "log"):
            # A new log may be next to an old keystore.
            here.envcrypt("keystore", "check", "--keystore", here.path(name.removesuffix("-audit")))
        return "new"

    def states(self, here, outcome, auditMayEnd=False):
        """Returns "old" or "new" for everything that the command may change. Raises Lost. `auditMayEnd`: the last
        entries of the audit log may be missing if `keystore check` reports that."""
        for name, data in self.keptBytes.items():
            if name not in self.command.produces and here.bytes(name) != data:
                raise Lost(f"{name} was touched")
        for name in here.files() - self.names:
            if not LEFTOVER.match(name) and not BESIDE_KEYSTORE.match(name) and not any(
                    name in (f"work/{made}", f"work/{made}-audit") for made in self.command.produces):
                raise Lost(f"there is a file {name}")
        # A deletion may be left to a later run, so its state does not count, but the file is there or is gone.
        states = {name: self._file_state(here, name, outcome) for name in self.command.produces if name != "-"}
        found = [state for name, state in states.items() if name not in self._gone]
        if "-" in self.command.produces:
            found.append(self._stream_state(outcome))
        shape = here.shape()
        if shape not in (self.old, self.new):
            raise Lost("the keystore is neither old nor new: "
                       + min((_difference(known, shape) for known in (self.old, self.new)), key=len))
        if shape is not None:
            if os.stat(here.keystore).st_mode & 0o077:
                raise Lost("others may read the keystore")
            self._check(here, auditMayEnd)
            if here.shape() != shape:
                raise Lost("keystore check changed the keystore")
        if self.command.changesStore:
            found.append("new" if shape == self.new else "old")
        return found

    def _stream_state(self, outcome):
        """A stream may end early if the status reports it. The output so far must be correct."""
        if outcome.status == 0:
            return self._file_state(self.before, "-", outcome)
        if self.command.produces["-"] == "plain" and not self.plain.startswith(outcome.output):
            raise Lost("wrong plaintext in the pipe")
        return "old"

    def _check(self, here, auditMayEnd):
        if auditMayEnd:
            said = here.messages("keystore", "check")
            if any("audit" not in line for line in said if not line.startswith("envcrypt: removed")):
                raise Lost("keystore check: " + "; ".join(said))
        else:
            here.envcrypt("keystore", "check")

    def later(self, here, auditMayEnd=False):
        """Checks that a later run works and that no hidden files are left after it."""
        states = self._all_states(here, auditMayEnd)
        command = self.command
        if command.again:
            # A log that has lost its end according to `keystore check` is not pruned.
            isDamaged = auditMayEnd and any("audit" in line for line in here.messages("keystore", "check"))
            here.envcrypt(*command.again, status=78 if isDamaged and "prune" in command.name else 0)
        elif "old" in states[-1:]:
            # An existing key file can be used.
            here.envcrypt(*command.arguments)
        if here.shape() is not None:
            self._check(here, auditMayEnd)
        final = self._all_states(here, auditMayEnd)
        isUndeleted = any(here.bytes(name) is not None for name in self._gone)
        if isUndeleted or "old" in final and command.produces.keys() != {"-"}:
            raise Lost("a later run does not finish the work")
        left = here.leftovers()
        if left:
            raise Lost(f"left behind: {', '.join(left)}")

    def _all_states(self, here, auditMayEnd):
        return self.states(here, ENDED, auditMayEnd)


class ENDED:
    """A run whose end nobody saw."""
    status, output, messages = -9, b"", b""


def _difference(old, new):
    old, new = {row for _, rows in old or () for row in rows}, {row for _, rows in new or () for row in rows}
    return "; ".join([f"- {row}" for row in sorted(old - new)][:2] + [f"+ {row}" for row in sorted(new - old)][:2])[:400]


def judge(stage, here, outcome, mayNotBegin=False):
    """Returns the word for the result. Raises Lost if anything is wrong. `mayNotBegin`: the loader or the C library
    may fail before the tool does anything."""
    found = stage.states(here, outcome)
    isNew, isOld = "old" not in found, "new" not in found
    status = outcome.status
    if status < 0:
        if outcome.status != -9:
            raise Lost(f"ended by signal {-status}: {_first(outcome.messages)}")
        return "kept old" if isOld else "became new" if isNew else "in part"
    if status == 0:
        if not isNew:
            raise Lost("says it is done, and is not")
        return "succeeded"
    if mayNotBegin and status == 127 and any(
            word in outcome.messages for word in (b"loading shared libraries", b"Fatal glibc error")):
        return "not begun"
    if status not in STATUSES:
        raise Lost(f"exit status {status}: {_first(outcome.messages)}")
    if b"envcrypt: error: " not in outcome.messages:
        raise Lost(f"exit status {status} without a message: {_first(outcome.messages)}")
    if any(word in outcome.messages for word in VAGUE):
        raise Lost(f"vague: {_first(outcome.messages)}")
    if outcome.output and isOld and not stage.command.isStream and stage.command.changesStore:
        raise Lost("an ID was printed of what is not there")
    return "refused" if isOld else "told"


def _first(messages):
    return messages.decode(errors="replace").strip().split("\n")[0][:200] or "nothing said"
