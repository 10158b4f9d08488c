# No core dumps, and no other process of the same user can read the tool's memory. No secret is in its arguments or
# environment. Root may do anything, so the tool runs as another user.
run=()
mkdir -m 755 theirs
cp "$(command -v envcrypt)" theirs/
if [ "$(id -u)" = 0 ]; then
  can_be nobody || exit 0
  chown 65534:65534 theirs
  run=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
fi
cd theirs
export HOME=$PWD XDG_DATA_HOME=$PWD/data
mkfifo pipe
[ "$(id -u)" != 0 ] || chown 65534:65534 pipe
# No memory can be locked either: the work continues in memory that is not locked.
ulimit -l 0
ulimit -c unlimited 2>/dev/null || true
"${run[@]}" ./envcrypt init -q --protector none
"${run[@]}" ./envcrypt encrypt pipe -o out &
tool=$!
# Opened for reading and writing, the pipe works whether the tool has started or has failed.
exec 3<>pipe
await grep '^Max core file size  *0  *0 ' "/proc/$tool/limits"
belongs_to_root() { [ "$(stat -c %u "/proc/$tool/mem")" = 0 ]; }
await belongs_to_root
for file in mem maps environ; do
  ! "${run[@]}" head -c 1 "/proc/$tool/$file" >/dev/null 2>&1 || { echo "readable: $file"; exit 1; }
done
# The same files of another process are readable, so the tool itself denies access.
"${run[@]}" sleep 60 &
other=$!
await grep -x sleep "/proc/$other/comm"
"${run[@]}" head -c 1 "/proc/$other/maps" >/dev/null
kill "$other"
echo text >&3
exec 3>&-
wait "$tool"
[ "$("${run[@]}" ./envcrypt decrypt out -o -)" = text ]

# A passphrase cannot be passed in any way that others can see.
fails 64 ./envcrypt init --keystore p.db --passphrase secret
fails 64 ./envcrypt init --keystore p.db --protector passphrase:secret
