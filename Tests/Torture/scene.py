"""A directory in which a command runs: a keystore, files, messages. Created once and copied for every run."""
import os, re, shutil, sqlite3, subprocess, tempfile

import tracer

PLAIN = 300_000
# Small files in three directories.
MANY = 20
# Names that a killed process may leave and that a later process removes.
LEFTOVER = re.compile(r"(.*/)?(\.envcrypt-[0-9a-f]{12}\.tmp|\.keystore-[0-9a-f]{12}\.tmp(-journal|-audit)?)$")
BESIDE_KEYSTORE = re.compile(r"data/envcrypt/keystore\.db(-audit(\.old(\.\d+)?)?|-journal)?$")


class Lost(Exception):
    """A result that must never occur: something is lost, incomplete or wrong."""


class Scene:
    """The paths below `root`, and the tool with that environment."""
    tool = place = None

    def __init__(self, root):
        self.root = root
        self.work = os.path.join(root, "work")
        self.keystore = os.path.join(root, "data/envcrypt/keystore.db")
        self.environment = {
            "HOME": root, "XDG_DATA_HOME": os.path.join(root, "data"), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def path(self, name):
        return os.path.join(self.work, name)

    def bytes(self, name):
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    def envcrypt(self, *arguments, stdin=b"", status=0):
        """Runs the tool without faults and returns its output. A status other than `status` is a loss."""
        done = subprocess.run(
            [Scene.tool, *arguments], cwd=self.work, env=self.environment, input=stdin, capture_output=True,
            timeout=120)
        if status is not None and done.returncode != status:
            raise Lost(
                f"envcrypt {' '.join(arguments)} ends with {done.returncode}: "
                + (done.stderr or done.stdout).decode(errors="replace").strip()[:300])
        return done.stdout

    def answer(self, *arguments):
        """Returns the tool's status, its output, and the lines on standard error."""
        done = subprocess.run(
            [Scene.tool, *arguments], cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace").splitlines()

    def messages(self, *arguments):
        """Returns the tool's messages on standard error, whether it fails or not."""
        return self.answer(*arguments)[2]

    def run(self, arguments, fault=None, stdin=None, **options):
        """Runs the tool under the tracer."""
        with tempfile.TemporaryFile(dir=Scene.place) as output, tempfile.TemporaryFile(dir=Scene.place) as messages:
            source = os.open(stdin and self.path(stdin) or os.devnull, os.O_RDONLY)
            try:
                outcome = tracer.run(
                    [Scene.tool, *arguments], self.work, self.environment, fault,
                    files=(source, output.fileno(), messages.fileno()), **options)
            finally:
                os.close(source)
            output.seek(0)
            messages.seek(0)
            outcome.output, outcome.messages = output.read(), messages.read()
        return outcome

    def files(self):
        """Returns every file below the root, with its relative path."""
        found = set()
        for directory, _, names in os.walk(self.root):
            for name in names:
                found.add(os.path.relpath(os.path.join(directory, name), self.root))
        return found

    def size(self):
        """Returns the number of pages of all files."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(-(-os.path.getsize(os.path.join(self.root, name)) // page) for name in self.files())

    def leftovers(self):
        return sorted(name for name in self.files() if LEFTOVER.match(name))

    def copy(self, root):
        shutil.copytree(self.root, root, symlinks=True)
        return Scene(root)

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    # The keystore

    def shape(self):
        """Returns the contents of the keystore with random values and dates replaced; None without a keystore.
        SQLite checks a copy of the file, so that nothing is repaired."""
        if not os.path.exists(self.keystore):
            return None
        directory = tempfile.mkdtemp(dir=Scene.place)
        try:
            for suffix in ("", "-journal"):
                if os.path.exists(self.keystore + suffix):
                    shutil.copy(self.keystore + suffix, os.path.join(directory, "keystore.db" + suffix))
            return _shape(os.path.join(directory, "keystore.db"))
        finally:
            shutil.rmtree(directory)


def _shape(path):
    database = sqlite3.connect(path, isolation_level=None)
    try:
        problems = database.execute("PRAGMA integrity_check").fetchall()
        if problems != [("ok",)]:
            raise Lost(f"integrity_check: {problems[:3]}")
        # The ledger's buckets have names of random digits. `keystore check` verifies each.
        tables = [row[0] for row in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
            "AND name NOT LIKE 'grdb%' AND name NOT IN ('auditAnchor', 'ledger') ORDER BY name")]
        # A key is identified by its description.
        names = dict(database.execute("SELECT id, description FROM masterKey"))
        return tuple((table, tuple(sorted(_masked(row, names) for row in _rows(database, table)))) for table in tables)
    except sqlite3.DatabaseError as error:
        raise Lost(f"SQLite: {error}")
    finally:
        database.close()


def _rows(database, table):
    """Returns the rows without the column that depends on the number of earlier writes to the audit log."""
    columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")') if row[1] != "auditSequence"]
    return database.execute("SELECT {} FROM \"{}\"".format(", ".join(f'"{name}"' for name in columns), table))


def _masked(row, names):
    def mask(value):
        if isinstance(value, bytes):
            return "bytes"
        if isinstance(value, int) and value > 10 ** 11:
            return "date"
        if isinstance(value, str):
            for identifier, name in names.items():
                value = value.replace(identifier, f"key '{name}'")
            return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|^[0-9a-f]{8}$|/\S+/work/", "?", value)
        return value
    return repr(tuple(mask(value) for value in row))


def empty(root):
    """A file, and no keystore yet."""
    scene = Scene(root)
    os.makedirs(scene.work)
    scene.write("plain", os.urandom(PLAIN))
    return scene


def furnished(root):
    """A keystore with keys, and messages under them."""
    scene = empty(root)
    for n in range(3):
        scene.write(f"tree/{n}", os.urandom(20_000 * n + 1))
    for n in range(MANY):
        scene.write(f"many/{n % 3}/{n}", os.urandom(100 * n))
    os.mkdir(scene.path("out"))
    os.mkdir(scene.path("sealed"))
    scene.write("there", b"what was there")
    scene.envcrypt("init", "-q", "--protector", "none")
    scene.envcrypt("key", "create", "--alias", "alias/old", "--tag", "a=1", "--description", "first")
    scene.envcrypt("key", "create", "--alias", "alias/new", "--description", "second")
    scene.envcrypt("encrypt", "plain", "-k", "alias/old", "-o", "old.envc")
    scene.envcrypt("encrypt", "plain", "-k", "alias/old", "-o", "again.envc")
    scene.envcrypt("encrypt", "-q", "-R", "many", "-k", "alias/old", "-o", "sealed")
    scene.envcrypt("encrypt", "plain", "-a", "--sign", "-k", "alias/old", "-o", "signed.envc")
    return scene


def backed_up(root):
    """The same, with a backup from before the last changes."""
    scene = furnished(root)
    scene.envcrypt("keystore", "backup", "there.db")
    scene.envcrypt("key", "rotate", "alias/old")
    scene.envcrypt("decrypt", "old.envc", "-o", "-")
    return scene


def aged(root):
    """The same as `furnished`, some days later: in `many`, files have changed, are new, or are gone."""
    scene = furnished(root)
    for name in ("0/0", "0/9", "1/7"):
        scene.write(f"many/{name}", os.urandom(5_000))
    scene.write("many/1/new", os.urandom(70_000))
    os.makedirs(scene.path("many/3/empty"))
    shutil.rmtree(scene.path("many/2"))
    os.remove(scene.path("many/0/3"))
    os.chmod(scene.path("many/0"), 0o750)
    return scene
