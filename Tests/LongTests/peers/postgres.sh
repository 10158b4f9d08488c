# A PostgreSQL dump is encrypted and decrypted in a pipe. The server refuses to run as root, so then it runs as
# postgres.
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
data=$(mktemp -d)
# The path of a socket has at most 107 bytes.
[ ${#data} -le 80 ] || { rmdir "$data"; data=$(mktemp -d /tmp/envcrypt-XXXXXX); }
trap 'as "$bin/pg_ctl" -D "$data/db" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$data"' EXIT
as() { (cd "$data" && HOME=$data "$@"); }
if [ "$(id -u)" = 0 ]; then
  chown postgres "$data"
  as() { (cd "$data" && setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$data" "$@"); }
  if ! as true; then
    echo "SKIPPED: the user postgres cannot get to $data"
    [ -z "${CI-}" ]
    exit
  fi
fi

as "$bin/initdb" -D "$data/db" -U postgres -A trust --no-sync >/dev/null
as "$bin/pg_ctl" -D "$data/db" -w -t 600 -o "-k '$data' -h '' -c fsync=off" -l "$data/log" start >/dev/null
sql() { "$bin/psql" -h "$data" -U postgres -v ON_ERROR_STOP=1 -q "$@"; }
sql -c 'CREATE DATABASE mydb' -c 'CREATE DATABASE restored'
sql mydb <<'SQL'
CREATE TABLE account (id int PRIMARY KEY, balance numeric NOT NULL, note text);
INSERT INTO account SELECT n, n * 1.5, repeat(md5(n::text), 10) || 'größe' FROM generate_series(1, 50000) n;
CREATE INDEX ON account (note);
SQL
dump() { "$bin/pg_dump" -h "$data" -U postgres "$1" | grep -v '^\\\(un\)\?restrict '; }

envcrypt init -q --protector none
dump mydb | envcrypt encrypt > mydb.envc
[ "$(stat -c %s mydb.envc)" -gt 10000000 ]
envcrypt decrypt mydb.envc -o - | sql restored >/dev/null
cmp <(dump mydb) <(dump restored)
