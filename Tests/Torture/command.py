"""The commands under torture, and the files that each may change. A new command is a new row."""
import subprocess

import crowd, scene


class Command:
    """`produces`: files by name, with the kind of their new contents: a "message" of `plain`, "plain" bytes, a
    message of a "tree"'s file, a "copy" of it, a "secret" of 32 bytes, a "wrapped" key, "escrow" JSON, a "backup" of
    the keystore, its "log"; or "gone". `again`: the arguments of a later run; None if the work of the first run cannot
    be repeated after it is done. `isStream`: standard output may be short if the status reports it."""

    def __init__(self, line, produces={}, again=None, stdin=None, base=scene.furnished, changesStore=False,
                 isStream=False, sources=(), name=None):
        self.arguments = line.split()
        self.name = name or " ".join(word for word in self.arguments[:3] if not word.startswith(("-", "alias/"))
                                     and "." not in word and word not in ("plain", "tree", "there"))
        self.produces, self.stdin, self.base = produces, stdin, base
        self.changesStore, self.isStream = changesStore, isStream
        self.again = again.split() if again else None
        self.sources = dict(sources)
        # Output on standard output is not the tool's responsibility after it was written.
        self.survivesPower = changesStore or not isStream

    @property
    def words(self):
        """Returns the words of the command itself."""
        return self.name.split()


def _tree(kind):
    return {f"out/tree/{n}.envc": kind for n in range(3)}


def _many(directory, ending, kind):
    """More files than are synchronized one at a time."""
    return {f"{directory}/many/{n % 3}/{n}{ending}": kind for n in range(scene.MANY)}


FILES = [
    Command("encrypt plain -k alias/old", {"plain.envc": "message"}, "encrypt plain -k alias/old -f"),
    Command("encrypt plain -k alias/old -k alias/new --sign -a -f -o there", {"there": "message"},
            "encrypt plain -k alias/old -f -o there", name="encrypt over"),
    Command("encrypt -k alias/old", stdin="plain", isStream=True, produces={"-": "message"}, again="keystore check",
            name="encrypt pipe"),
    Command("encrypt -R tree -k alias/old -o out", _tree("tree"), "encrypt -R tree -k alias/old -o out -f",
            name="encrypt tree"),
    Command("encrypt -R many -k alias/old -o out", _many("out", ".envc", "tree"),
            "encrypt -R many -k alias/old -o out -f", name="encrypt many"),
    Command("encrypt -f -R many -k alias/new -o sealed", _many("sealed", ".envc", "tree"),
            "encrypt -R many -k alias/new -o sealed -f", name="encrypt many over"),
    Command("decrypt -R sealed/many -o out", _many("out", "", "copy"), "decrypt -R sealed/many -o out -f",
            name="decrypt many"),
    Command("encrypt -R many -k alias/old -o sealed --update --delete", {
        **{f"sealed/many/{name}.envc": "tree" for name in ("0/0", "0/9", "1/7", "1/new")},
        **{f"sealed/many/{n % 3}/{n}.envc": "gone" for n in range(scene.MANY) if n == 3 or n % 3 == 2}},
            "encrypt -R many -k alias/old -o sealed --update --delete", base=scene.aged, name="encrypt nightly"),
    # The model of the power failure does not know the times of outputs, so a later run needs -f.
    Command("decrypt -R sealed/many -o out --update", _many("out", "", "copy"),
            "decrypt -R sealed/many -o out --update -f", name="decrypt nightly"),
    Command("decrypt old.envc -o plain2", {"plain2": "plain"}, "decrypt old.envc -o plain2 -f"),
    Command("decrypt old.envc -f -o there", {"there": "plain"}, "decrypt old.envc -f -o there", name="decrypt over"),
    Command("decrypt signed.envc", {"signed": "plain"}, "decrypt signed.envc -f", name="decrypt signed"),
    Command("decrypt", stdin="old.envc", isStream=True, produces={"-": "plain"}, again="keystore check",
            name="decrypt pipe"),
    Command("reencrypt old.envc -k alias/new", {"old.envc": "message"}, "reencrypt old.envc -k alias/new"),
    Command("reencrypt old.envc again.envc -k alias/new", {"old.envc": "message", "again.envc": "message"},
            "reencrypt old.envc again.envc -k alias/new", name="reencrypt two"),
    Command("key export alias/old -o escrow.json", {"escrow.json": "escrow"}, "key export alias/old -f -o escrow.json"),
    Command("data-key generate -k alias/old --no-plaintext -o wrapped", {"wrapped": "wrapped"},
            "data-key generate -k alias/old --no-plaintext -f -o wrapped", name="data-key generate"),
]

STORE = [
    Command("init -q --protector none", base=scene.empty, changesStore=True),
    Command("init -q --protector key-file:key", {"key": "secret"}, base=scene.empty, changesStore=True,
            name="init key-file"),
    Command("key create --alias alias/x --tag a=1 --tag b=2 --description made", changesStore=True),
    Command("key rotate alias/old", changesStore=True),
    Command("key disable alias/old", changesStore=True),
    Command("key update alias/old --description after", changesStore=True),
    Command("key schedule-deletion alias/new --days 7 --yes", changesStore=True),
    Command("key tag alias/old b=2 c=3", changesStore=True),
    Command("key untag alias/old a", changesStore=True),
    Command("alias create alias/x alias/old", changesStore=True),
    Command("alias update alias/old alias/new", changesStore=True),
    Command("alias delete alias/old", changesStore=True),
    Command("keystore protector add none", changesStore=True, name="keystore protector add"),
    Command("keystore protector add key-file:key", {"key": "secret"}, changesStore=True,
            name="keystore protector add key-file"),
    Command("keystore audit --prune-before 2999-01-01", again="keystore audit --prune-before 2999-01-01",
            name="keystore audit prune"),
    Command("keystore backup copy.db", {"copy.db": "backup"}, "keystore backup -f copy.db", name="keystore backup"),
    Command("keystore backup -f there.db", {"there.db": "backup", "there.db-audit": "log"},
            "keystore backup -f there.db", base=scene.backed_up, name="keystore backup over"),
    Command("key policy put alias/old policy.json", changesStore=True, name="key policy put",
            sources=[("policy.json", crowd.POLICY)]),
    Command("template apply stack.yaml", changesStore=True, name="template apply",
            sources=[("stack.yaml", crowd.TEMPLATE)]),
]


def there(tool):
    """Returns the commands that this tool has, and the names of those that it does not have."""
    have, missing = [], []
    for command in FILES + STORE:
        words = [word for word in command.words if word not in (
            "over", "pipe", "tree", "many", "nightly", "signed", "two", "prune", "key-file")]
        usage = subprocess.run([tool, *words, "--help"], capture_output=True, text=True).stdout
        (have if f"USAGE: envcrypt {' '.join(words)}" in usage else missing).append(command)
    return have, [command.name for command in missing]
