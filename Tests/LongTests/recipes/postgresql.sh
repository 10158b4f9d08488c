before() {
  local bin
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
  [ -n "$bin" ] || { skipped 'postgresql: there is no PostgreSQL'; exit 0; }
  PATH=$bin:$PATH
  # PostgreSQL refuses to run as root.
  as_postgres=
  if [ "$(id -u)" = 0 ]; then as_postgres='setpriv --reuid nobody --regid nogroup --clear-groups'; fi
  mkdir db
  if [ -n "$as_postgres" ]; then chown nobody:nogroup db; chmod 711 .; fi
  echo 'pass word $1' >secret
  (cd db && $as_postgres initdb -D data -U ann -A scram-sha-256 --pwfile=../secret --no-sync) >/dev/null
  (cd db && $as_postgres pg_ctl -D data -w -l log -o "-k $PWD -h '' -F" start) >/dev/null
  trap '(cd db && $as_postgres pg_ctl -D data -m immediate stop) >/dev/null' EXIT
  printf "PGHOST=%s\nPGUSER=ann\nPGPASSWORD='%s'\n" "$PWD/db" "$(cat secret)" |
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
  fails 2 env PGHOST="$PWD/db" PGUSER=ann psql -w -d mydb -c ''
}
