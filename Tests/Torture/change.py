"""The chapter of an input that changes while it is read: shorter, longer, other bytes, another file."""
import os, shutil, tempfile

import tracer
from scene import Lost

BIG = 3_000_000
KINDS = ["cut", "emptied", "grown", "rewritten", "replaced", "removed"]
COMMANDS = {
    "encrypt": (["encrypt", "big", "-k", "alias/old", "-o", "made"], "big", None),
    "encrypt pipe": (["encrypt", "-k", "alias/old"], "big", "big"),
    "decrypt": (["decrypt", "big.envc", "-o", "made"], "big.envc", None),
    "decrypt pipe": (["decrypt"], "big.envc", "big.envc"),
    "reencrypt": (["reencrypt", "big.envc", "-k", "alias/new"], "big.envc", None),
}


class Change:
    """The input changes before its read number `at`."""

    def __init__(self, kind, at):
        self.kind, self.at = kind, at

    def __repr__(self):
        return f"{self.kind} before read {self.at}"


def _scene(stage):
    """Returns the command's scene with a large file and its message."""
    if not hasattr(stage, "big"):
        here = stage.before.copy(stage.before.root + "-big")
        here.write("big", os.urandom(BIG))
        here.envcrypt("encrypt", "big", "-k", "alias/old")
        stage.big = here
    return stage.big


def changes(stage):
    if stage.command.name not in COMMANDS:
        return []
    return [Change(kind, at) for kind in KINDS for at in range(1, 16)]


def _change(path, kind):
    data = open(path, "rb").read()
    if kind == "cut":
        os.truncate(path, len(data) // 2)
    elif kind == "emptied":
        os.truncate(path, 0)
    elif kind == "grown":
        with open(path, "ab") as file:
            file.write(os.urandom(200_000))
    elif kind == "rewritten":
        with open(path, "r+b") as file:
            file.write(os.urandom(len(data)))
    elif kind == "replaced":
        with open(path + ".new", "wb") as file:
            file.write(os.urandom(len(data)))
        os.rename(path + ".new", path)
    elif kind == "removed":
        os.remove(path)


def inject(stage, fault, directory):
    before = _scene(stage)
    arguments, source, stdin = COMMANDS[stage.command.name]
    root = tempfile.mkdtemp(dir=directory)
    here = before.copy(os.path.join(root, "scene"))
    try:
        path = here.path(source)
        outcome = here.run(
            arguments, tracer.Fault("before", fault.at, ["read", "pread64"], path=path),
            stdin=stdin, before=lambda: _change(path, fault.kind))
        if not outcome.hit:
            return None, outcome
        _judge(here, before, source, outcome, fault)
        left = here.leftovers()
        if left:
            raise Lost(f"left behind: {', '.join(left)}")
        here.envcrypt("keystore", "check")
        return ("told" if outcome.status == 3 else "succeeded" if outcome.status == 0 else "refused"), outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _judge(here, before, source, outcome, fault):
    plain = before.bytes("big")
    now, was = here.bytes(source), before.bytes(source)
    if source == "big" and (outcome.status != 3 or b"changed while it was read" not in outcome.messages):
        raise Lost(f"the change is not told: {outcome.status} {outcome.messages.decode(errors='replace')[:200]}")
    if outcome.status not in (0, 3):
        if outcome.status not in (65, 66, 73, 74) or b"envcrypt: error: " not in outcome.messages:
            raise Lost(f"ends with {outcome.status}: {outcome.messages.decode(errors='replace')[:200]}")
        if here.bytes("made") is not None:
            raise Lost("an output of a run that failed")
    elif source == "big":
        # Each byte was in the file at that position.
        made = here.envcrypt("decrypt", "-o", "-", stdin=outcome.output or here.bytes("made"))
        if fault.kind in ("cut", "grown", "emptied", "removed", "replaced"):
            longest = (now if fault.kind == "grown" else plain) or b""
            if made != longest[:len(made)] or fault.kind in ("removed", "replaced") and made != plain:
                raise Lost(f"the message holds {len(made)} bytes that never stood in the file")
        elif len(made) != len(plain) or any(
                made[at] not in (plain[at], now[at]) for at in range(0, len(plain), 997)):
            raise Lost("the message holds bytes that never stood in the file")
    elif "made" in "".join(os.listdir(here.work)) or outcome.output:
        if (outcome.output or here.bytes("made")) != plain:
            raise Lost("decrypted to something else, and says it is well")
    elif here.envcrypt("decrypt", "-o", "-", stdin=now or b"", status=None) != plain:
        raise Lost("reencrypt says it is well, and the message is gone")
    if outcome.status not in (0, 3) and outcome.output and not plain.startswith(outcome.output) and source != "big":
        raise Lost("wrong plaintext in the pipe")
    if source == "big.envc" and outcome.status != 0 and fault.kind in ("rewritten", "replaced") and now == was:
        raise Lost("what somebody else wrote was overwritten")
