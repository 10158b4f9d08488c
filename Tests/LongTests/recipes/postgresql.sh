before() {
  local bin
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
  [ -n "$bin" ] || { skipped 'postgresql: there is no PostgreSQL'; exit 0; }
  PATH=$bin:$PATH
  # PostgreSQL refuses to run as root.
  as_postgres=
  if [ "$(id -u)" = 0 ]; then as_postgres="setpriv --reuid nobody --regid $(id -g nobody) --clear-groups"; fi
  mkdir db
  # The name of a socket has at most 107 bytes, however long the name of this directory is.
  socket=$(mktemp -d /tmp/recipe.XXXXXX)
  trap 'rm -rf "$socket"' EXIT
  if [ -n "$as_postgres" ]; then chown "nobody:$(id -g nobody)" db "$socket"; chmod 711 .; fi
  chmod 711 "$socket"
  echo 'pass word $1' >secret
  # A loaded machine may need longer than a minute, which is the usual limit.
  export PGCTLTIMEOUT=600
  (cd db && $as_postgres initdb -D data -U ann -A scram-sha-256 --pwfile=../secret --no-sync) >/dev/null
  trap '(cd db && $as_postgres pg_ctl -D data -m immediate stop) >/dev/null || true; rm -rf "$socket"' EXIT
  (cd db && $as_postgres pg_ctl -D data -w -l log -o "-k $socket -h '' -F" start) >/dev/null || { cat db/log; exit 1; }
  printf "PGHOST=%s\nPGUSER=ann\nPGPASSWORD='%s'\n" "$socket" "$(cat secret)" |
    envcrypt encrypt -c app=db -o db.env.envc
  rm secret
  envcrypt exec db.env.envc -- createdb mydb
  envcrypt exec db.env.envc -- psql -q -d mydb -c 'create table t as select i, md5(i::text) from generate_series(1, 10000) i'
}

after() {
  local database
  for database in mydb restored; do
    envcrypt exec db.env.envc -- psql -At -d $database -c 'select * from t order by i' >$database
  done
  [ "$(wc -l <mydb)" = 10000 ]
  cmp mydb restored
  fails 2 env PGHOST="$socket" PGUSER=ann psql -w -d mydb -c ''
}
