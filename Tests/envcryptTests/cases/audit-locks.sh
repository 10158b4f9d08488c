# A lock that another process holds does not block a command forever, and a reader of the log blocks nobody.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
echo text > f; envcrypt encrypt f; envcrypt key create --alias alias/a > /dev/null
lacks='the audit log lacks records of this command'

# holding OPTION COMMAND...: runs the command while another process holds a lock on the log. That process can only read
# it.
holding() {
  local option=$1 status=0
  shift
  mkfifo held
  (exec 9<"$log"; flock "$option" 9; echo > held; read -r _ < held) & holder=$!
  read -r _ < held
  "$@" || status=$?
  echo > held; wait "$holder"; rm held
  return "$status"
}
for option in -s -x; do
  # A command that only reads is not affected.
  holding "$option" timeout 60 envcrypt keystore audit > shown
  grep -q GenerateDataKey shown
  holding "$option" timeout 60 envcrypt keystore check > /dev/null
  holding "$option" timeout 60 envcrypt keystore status > /dev/null
  holding "$option" timeout 60 envcrypt key describe alias/a > /dev/null
  holding "$option" timeout 60 envcrypt kms get-key-last-usage --key-id alias/a > /dev/null
  holding "$option" timeout 60 envcrypt keystore backup -f "copy$option.db"
  envcrypt keystore check --keystore "copy$option.db" > /dev/null
done
# The work is done and its output is kept, but the status says that the record is missing.
fails 74 holding -s timeout 60 envcrypt encrypt f -o g; says "$lacks"; says 'is locked by another process'
envcrypt decrypt g -o - | cmp - f
fails 74 holding -x timeout 60 envcrypt key disable alias/a; says "$lacks"
envcrypt key describe alias/a | matches Disabled
fails 74 holding -s timeout 60 envcrypt keystore audit --prune-before 2999-01-01; says 'is locked by another process'
# The same with many files. The command does not wait for each of them.
mkdir many; for number in $(seq 20); do echo "$number" > "many/$number"; done
fails 74 holding -s timeout 60 envcrypt encrypt -q -R many; says "$lacks"
[ "$(find many -name '*.envc' | wc -l)" = 20 ]
[ "$(grep -c "$lacks" stderr)" = 1 ]
envcrypt keystore check > /dev/null

# A lock on the keystore's directory or on hidden files, as in 'flock DIR envcrypt ...', does not block either.
mkdir -p d; exec 9<d; flock -s 9
timeout 60 envcrypt init -q --protector none --keystore d/k.db
timeout 60 envcrypt keystore backup d/copy.db
exec 9<&-

# While a reader looks at the log page by page, others can write.
mkdir sealed; long=$(printf '%01000d' 0)
for _ in $(seq 20); do envcrypt encrypt -q -f -R many -o sealed -c long="$long"; done
mkfifo pager
envcrypt keystore audit > pager & reader=$!
# At most 64 KiB of 400 KB are in the pipe, so the reader is in the middle of the log.
exec 8<pager; read -r _ <&8
timeout 60 envcrypt encrypt -q -f f
timeout 60 envcrypt keystore audit --prune-before 2020-01-01
timeout 60 envcrypt keystore audit --prune-before 2999-01-01
timeout 60 envcrypt encrypt -q -f f
kill -0 "$reader"
# The reader shows all records that were there at its start.
[ "$(cat <&8 | wc -l)" -ge 400 ]; exec 8<&-; wait "$reader"
envcrypt keystore check > /dev/null
