# A lock that another process holds keeps nobody waiting for ever, and who reads the log keeps nobody waiting.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
echo text > f; envcrypt encrypt f; envcrypt key create --alias alias/a > /dev/null
lacks='the audit log lacks records of this command'

# holding OPTION COMMAND...: runs it while another process holds a lock of the log, which may only read it.
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
  # A command that only reads does not notice.
  holding "$option" timeout 60 envcrypt keystore audit > shown
  grep -q GenerateDataKey shown
  holding "$option" timeout 60 envcrypt keystore check > /dev/null
  holding "$option" timeout 60 envcrypt keystore status > /dev/null
  holding "$option" timeout 60 envcrypt key describe alias/a > /dev/null
  holding "$option" timeout 60 envcrypt kms get-key-last-usage --key-id alias/a > /dev/null
  holding "$option" timeout 60 envcrypt keystore backup -f "copy$option.db"
  envcrypt keystore check --keystore "copy$option.db" > /dev/null
done
# The work is done and its output stays, but the status says that the log lacks it.
fails 74 holding -s timeout 60 envcrypt encrypt f -o g; says "$lacks"; says 'is locked by another process'
envcrypt decrypt g -o - | cmp - f
fails 74 holding -x timeout 60 envcrypt key disable alias/a; says "$lacks"
envcrypt key describe alias/a | matches Disabled
fails 74 holding -s timeout 60 envcrypt keystore audit --prune-before 2999-01-01; says 'is locked by another process'
# Also of many files, and it does not wait for each.
mkdir many; for number in $(seq 20); do echo "$number" > "many/$number"; done
fails 74 holding -s timeout 60 envcrypt encrypt -q -R many; says "$lacks"
[ "$(find many -name '*.envc' | wc -l)" = 20 ]
[ "$(grep -c "$lacks" stderr)" = 1 ]
envcrypt keystore check > /dev/null

# The directory of the keystore, and hidden files: 'flock DIR envcrypt ...' is no reason to wait either.
mkdir -p d; exec 9<d; flock -s 9
timeout 60 envcrypt init -q --protector none --keystore d/k.db
timeout 60 envcrypt keystore backup d/copy.db
exec 9<&-

# Somebody looks at the log, page by page: others write on meanwhile.
mkdir sealed; long=$(printf '%01000d' 0)
for _ in $(seq 20); do envcrypt encrypt -q -f -R many -o sealed -c long="$long"; done
mkfifo pager
envcrypt keystore audit > pager & reader=$!
# Of 400 KB no more than 64 KiB are in the pipe: it is in the middle of the log.
exec 8<pager; read -r _ <&8
timeout 60 envcrypt encrypt -q -f f
timeout 60 envcrypt keystore audit --prune-before 2020-01-01
timeout 60 envcrypt keystore audit --prune-before 2999-01-01
timeout 60 envcrypt encrypt -q -f f
kill -0 "$reader"
# It shows all that was there when it began.
[ "$(cat <&8 | wc -l)" -ge 400 ]; exec 8<&-; wait "$reader"
envcrypt keystore check > /dev/null
