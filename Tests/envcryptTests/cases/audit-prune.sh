# Pruning and appending while a member of the group repeatedly puts a link to a file of the owner, and that file itself,
# in the place of the log. The file stays unchanged.
export ENVCRYPT_KEYSTORE=$PWD/store/k.db
log=$ENVCRYPT_KEYSTORE-audit
mkdir -m 700 store swaps
envcrypt init -q --protector none
echo text > f; echo precious > precious; chmod 600 precious
for _ in 1 2 3 4 5; do envcrypt encrypt -q -f f; done
as_other() { "$@"; }
if [ "$(id -u)" = 0 ] && id backup > /dev/null 2>&1; then
  chgrp backup store store/*; chmod 2770 store; chmod 660 store/*; chown backup swaps; chmod 755 .
  other() { setpriv --reuid backup --regid backup --clear-groups env -C "$PWD" "$@"; }
  if other true 2> /dev/null; then as_other() { other "$@"; }; else echo 'SKIPPED: a second user, who cannot come here'; fi
else
  echo 'SKIPPED: a second user, whom only root can become'
fi
cat > swap.py <<'P'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
log, link = b"store/k.db-audit", b"store/link"
os.symlink(os.path.abspath("precious"), link)
parent = os.getppid()
while not os.path.exists("stop") and os.getppid() == parent:
    # AT_FDCWD, RENAME_EXCHANGE: exchanges the two names and exchanges them back.
    for _ in range(2):
        if libc.renameat2(-100, log, -100, link, 2) and ctypes.get_errno() != 2:
            os._exit(1)
P
cksum precious > sums; stat -c '%i %U %G %a %s' precious >> sums
as_other python3 swap.py & swapper=$!
end=$((SECONDS + 3)) runs=0
while [ $SECONDS -lt $end ] || [ $runs -lt 10 ]; do
  # The command may find no log, or another file, and report that.
  for command in 'encrypt -q -f f' 'keystore audit --prune-before 2999-01-01'; do
    status=0; envcrypt $command 2> /dev/null || status=$?
    case $status in 0 | 73 | 74 | 78) ;; *) echo "status $status: $command"; exit 1 ;; esac
  done
  runs=$((runs + 1))
done
touch stop; wait $swapper
{ cksum precious; stat -c '%i %U %G %a %s' precious; } | diff sums -
# One of the two names is the log and the other one is the link.
[ -f "$log" ] && [ ! -L "$log" ] || mv store/link "$log"
[ -z "$(find store -name '.*')" ]
envcrypt keystore audit > /dev/null
