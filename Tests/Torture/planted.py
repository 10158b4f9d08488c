"""The chapter of an attacker who can write the keystore's file but has no key, and plants something in it: triggers,
views, generated columns, constraints, defaults, strange tables and indexes, another journal. Nothing of it ever
runs. The command refuses it by name or does its work correctly, and `keystore check` names it."""
import os, random, re, shutil, sqlite3, tempfile

from scene import Lost
from verdict import judge

EVENTS = [f"{time} {event}" for time in ("BEFORE", "AFTER") for event in ("INSERT", "UPDATE", "DELETE")]
# The schema in SQLite, and its changes by hand.
SCHEMA = "SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master"


class Plant:
    """`statements` run in the keystore. A refusal must contain `name`."""

    def __init__(self, kind, name, *statements, beside=None):
        self.kind, self.name, self.statements, self.beside = kind, name, statements, beside

    def __repr__(self):
        return f"{self.kind}: {'; '.join(self.statements)[:200] or self.name}"


def _rewritten(table, old, new):
    """Returns a statement that changes the text of a table's definition."""
    return (f"UPDATE sqlite_master SET sql = replace(sql, '{_quoted(old)}', '{_quoted(new)}') "
            f"WHERE type = 'table' AND name = '{table}'")


def _quoted(text):
    return text.replace("'", "''")


def _triggers(table):
    for number, event in enumerate(EVENTS):
        for body in ("SELECT RAISE(IGNORE)", "DELETE FROM masterKey WHERE description = 'second'",
                     "UPDATE OR IGNORE alias SET targetKeyID = (SELECT min(id) FROM masterKey)"):
            yield Plant("trigger", f"planted{number}", f"CREATE TRIGGER planted{number} {event} ON {table} BEGIN {body}; END")


def _columns(table, columns):
    """Changes to the definition of each column of a table."""
    for name, definition in columns:
        for more in ("DEFAULT (randomblob(16))", "CHECK (abs(random()) % 2)", "COLLATE NOCASE"):
            yield Plant("constraint", table, _rewritten(table, definition, f"{definition} {more}"))
        if "NOT NULL" in definition:
            yield Plant("constraint", table, _rewritten(
                table, definition, definition.replace("NOT NULL", "NOT NULL ON CONFLICT IGNORE", 1)))


def _tables(database):
    """Yields each table with its columns, as they were written."""
    for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
        found = re.findall(r"^\s*(\w+) ((?:TEXT|INTEGER|BLOB)[^,\n]*)", sql, re.MULTILINE)
        yield name, [(column, f"{column} {rest}".strip()) for column, rest in found if not rest.endswith(")")]


def plants(stage):
    if stage.old is None:
        return []
    with sqlite3.connect(stage.before.keystore) as database:
        tables = list(_tables(database))
        names = {table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")] for table, _ in tables}
        indexes = [name for name, in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")]
    found = []
    for table, columns in tables:
        found += _triggers(table)
        found += _columns(table, columns)
        found.append(Plant("view", table, f"ALTER TABLE {table} RENAME TO hidden",
                           f"CREATE VIEW {table} AS SELECT * FROM hidden"))
        found.append(Plant("generated column", table, f"ALTER TABLE {table} ADD COLUMN planted TEXT AS (lower('x'))"))
        found.append(Plant("column", table, f"ALTER TABLE {table} ADD COLUMN planted TEXT"))
        found.append(Plant("index", "planted", f"CREATE INDEX planted ON {table} ({columns[0][0] if columns else 1})"))
        if columns:
            first = columns[0][0]
            # Whole rows are unique. A key ID is not: a key has several versions.
            row = ", ".join(names[table])
            found.append(Plant("index", "planted", f"CREATE UNIQUE INDEX planted ON {table} (substr({first}, 1, 0), {row})"))
            found.append(Plant("index", "planted", f"CREATE INDEX planted ON {table} (abs(1)) WHERE {first} IS NOT NULL"))
    for index in indexes:
        found.append(Plant("index gone", index, f"DELETE FROM sqlite_master WHERE name = '{index}'"))
        found.append(Plant("index changed", index, "UPDATE sqlite_master SET sql = sql || ' AND 1' "
                           f"WHERE name = '{index}' AND sql LIKE '% WHERE %'", "UPDATE sqlite_master SET sql = sql || ' WHERE 1' "
                           f"WHERE name = '{index}' AND sql NOT LIKE '% WHERE %'"))
    found += [
        Plant("table", "planted", "CREATE TABLE planted (x)"),
        Plant("table", "planted", "CREATE TABLE planted (id INTEGER PRIMARY KEY AUTOINCREMENT)"),
        Plant("table", "planted", "CREATE TABLE planted AS SELECT * FROM ledger"),
        Plant("table", "planted", "CREATE TABLE planted (keyID TEXT REFERENCES masterKey (id) ON DELETE RESTRICT)",
              "INSERT INTO planted SELECT id FROM masterKey"),
        Plant("view", "planted", "CREATE VIEW planted AS SELECT * FROM masterKey"),
        Plant("foreign key", "alias", _rewritten("alias", "ON DELETE CASCADE", "ON DELETE RESTRICT")),
        Plant("foreign key", "keyVersion", _rewritten("keyVersion", "ON DELETE CASCADE", "")),
        Plant("strictness", "masterKey", _rewritten("masterKey", ") STRICT", ")")),
        Plant("write-ahead log", "WAL", beside="wal mode"), Plant("write-ahead log", "keystore.db-wal", beside="stray wal"),
        Plant("write-ahead log", "keystore.db-wal", beside="wal of an edit"), Plant("shared memory", "keystore.db-shm", beside="shm"),
    ]
    # A different selection for each command.
    return random.Random(stage.command.name).sample(found, min(len(found), 300))


def _connected(path):
    """Returns a connection that the caller must close: `with` does not close one."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA writable_schema = ON")
    return database


def _plant(here, plant):
    """Returns the schema before the change."""
    database = _connected(here.keystore)
    try:
        schema = database.execute(SCHEMA).fetchall()
        before = database.execute("PRAGMA schema_version").fetchone()[0]
        for statement in plant.statements:
            database.execute(statement)
        # Otherwise SQLite would not notice a change by hand.
        database.execute(f"PRAGMA schema_version = {before + 1}")
        if plant.statements and database.execute(SCHEMA).fetchall() == schema:
            return None
    finally:
        database.close()
    if plant.beside:
        _beside(here.keystore, plant.beside)
    return schema


def _beside(path, kind):
    """Creates the files beside the keystore that an attacker or a killed program may leave."""
    if kind == "shm":
        with open(path + "-shm", "wb") as file:
            file.write(os.urandom(32_768))
        return
    copy = path + "-copy"
    shutil.copy(path, copy)
    database = sqlite3.connect(copy, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    if kind == "wal mode":
        database.close()
        os.replace(copy, path)
        return
    database.execute("UPDATE alias SET targetKeyID = (SELECT max(id) FROM masterKey)" if kind == "wal of an edit"
                     else "CREATE TABLE planted (x)")
    shutil.copy(copy + "-wal", path + "-wal")
    database.close()
    os.remove(copy)


def _clean(here, schema, plant):
    """Removes the plant, so that the result can be checked."""
    if plant.beside:
        for suffix in ("-wal", "-shm"):
            if os.path.exists(here.keystore + suffix):
                os.remove(here.keystore + suffix)
    database = _connected(here.keystore)
    try:
        if plant.beside == "wal mode":
            database.execute("PRAGMA journal_mode = DELETE")
        version = database.execute("PRAGMA schema_version").fetchone()[0]
        database.execute("DELETE FROM sqlite_master")
        database.executemany("INSERT INTO sqlite_master (rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)", schema)
        database.execute(f"PRAGMA schema_version = {version + 1}")
    finally:
        database.close()
    # The pages of the planted objects are unused now, and an index that was removed lacks the rows that were written.
    database = sqlite3.connect(here.keystore, isolation_level=None)
    database.execute("REINDEX")
    database.execute("VACUUM")
    database.close()


def inject(stage, fault, directory):
    root = tempfile.mkdtemp(dir=directory)
    here = stage.before.copy(os.path.join(root, "scene"))
    try:
        schema = _plant(here, fault)
        if schema is None:
            return None, None
        outcome = here.run(stage.command.arguments, stdin=stage.command.stdin)
        if outcome.status == 78 and fault.name.encode() not in outcome.messages:
            raise Lost(f"a refusal that does not name {fault.name}: {outcome.messages[:200]}")
        if outcome.status not in (0, 78):
            raise Lost(f"ends with {outcome.status}: {outcome.messages[:200]}")
        _check_names_it(here, fault)
        _clean(here, schema, fault)
        return judge(stage, here, outcome), outcome
    except sqlite3.DatabaseError as error:
        raise Lost(f"SQLite: {error}")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _check_names_it(here, fault):
    with open(here.keystore, "rb") as file:
        before = file.read()
    status, _, said = here.answer("keystore", "check")
    if fault.beside and status == 0:
        # An invalid journal may be set aside with a message, or ignored.
        return
    if status != 78 or not any(fault.name in line for line in said):
        raise Lost(f"keystore check ends with {status} and does not name {fault.name}: {' '.join(said)[:200]}")
    with open(here.keystore, "rb") as file:
        if file.read() != before:
            raise Lost("keystore check changed the keystore")
