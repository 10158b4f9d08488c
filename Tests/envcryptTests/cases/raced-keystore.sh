# A second user with write access to the directory puts links to his own files in the place of everything that a backup,
# a restore or init creates there, as soon as it appears, repeatedly. The keystore with the plaintext root key never
# gets into a file that he made or can read, and no file of the owner is written or removed.
here=$PWD
as_daemon() { setpriv --reuid daemon --regid daemon --clear-groups "$@"; }
if [ "$(id -u)" != 0 ] || ! id daemon >/dev/null 2>&1 || ! as_daemon true; then
  echo 'SKIPPED: only root can become a second user (daemon)'
  exit 0
fi
if ! as_daemon test -x "$here"; then
  echo "SKIPPED: user daemon cannot enter $here"
  exit 0
fi
if ! as_daemon /usr/bin/python3 -c 'import ctypes'; then
  echo 'SKIPPED: user daemon has no /usr/bin/python3'
  exit 0
fi
mkdir -m 700 own
envcrypt init -q --protector none --keystore own/ks.db
envcrypt key create --keystore own/ks.db >/dev/null
python3 -c 'import sqlite3; print(sqlite3.connect("own/ks.db").execute("SELECT hex(wrappedRootKey) FROM protector").fetchone()[0])' >root
echo precious >own/precious
cksum own/* >before

cat >swap.py <<'P'
# swap.py DIRECTORY LOOT VICTIM TURN: whenever a name appears in the directory, puts something else in its place, until
# the file "stop" exists.
import ctypes, os, struct, sys
directory, loot, victim, turn = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(os.O_NONBLOCK)
os.chdir(directory)
# IN_CREATE, IN_MOVED_TO, IN_MODIFY
assert libc.inotify_add_watch(watch, b'.', 0x100 | 0x80 | 0x2) >= 0
print('armed', flush=True)
turn, mine = int(turn), set()
while not os.path.exists('../stop'):
    # Polls without waiting: to be woken up takes longer than to create a file.
    try:
        events, names, at = os.read(watch, 65536), [], 0
    except BlockingIOError:
        continue
    while at < len(events):
        _, _, _, length = struct.unpack_from('iIII', events, at)
        names.append(events[at + 16:at + 16 + length].rstrip(b'\0').decode())
        at += 16 + length
    for name in names:
        if not name or name.startswith('x') or name in mine:
            continue
        try:
            bait = 'x%d' % turn
            if turn % 4 == 0:
                os.symlink(loot, bait)
            elif turn % 4 == 1:
                os.symlink(victim, bait)
            elif turn % 4 == 2:
                os.link(loot, bait)
            else:
                os.mkfifo(bait, 0o666)
            os.rename(bait, name)
            # One swap for each name is enough: waits for the next name.
            mine.add(name)
            turn += 1
        except OSError:
            pass
print('turns', turn, flush=True)
P
# A directory that everybody may write, without the sticky bit, and the second user's traps for the keystore in it.
catch() {
  rm -rf stop open theirs
  mkdir -m 777 open
  mkdir theirs
  chown daemon theirs
  as_daemon sh -c "umask 0; : >theirs/loot"
  as_daemon /usr/bin/python3 swap.py open "$here/theirs/loot" "$here/own/precious" $round >swapped 2>&1 &
  swapper=$!
  for _ in {1..500}; do ! grep -q armed swapped || return 0; sleep 0.02; done
  cat swapped; echo 'the second user did not begin'
  return 1
}
# No part of the root key is in a file that he owns or can read.
verdict() {
  touch stop
  wait $swapper
  python3 - "$(cat "$1")" <<'P'
import os, stat, sys
key = bytes.fromhex(sys.argv[1])
for place in ('open', 'theirs'):
    for directory, _, names in os.walk(place):
        for name in names:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode):
                continue
            isTheirs = status.st_uid != os.getuid() or status.st_mode & 0o077
            if isTheirs and key in open(path, 'rb').read():
                sys.exit('the root key is in ' + path)
P
  cksum own/* | cmp - before
}
cp own/ks.db own/ks.db-audit .
cksum own/* >before
for round in {1..8}; do
  catch
  # The second user may cause a failure. The command must end in time and without harm.
  status=0
  timeout 60 envcrypt keystore backup open/b.db --keystore own/ks.db 2>stderr || status=$?
  [ $status -lt 100 ] || { echo "status $status"; cat stderr; exit 1; }
  # If the name was still free, the first backup may have succeeded. A second one replaces it or is refused.
  status=0
  timeout 60 envcrypt keystore backup -f open/b.db --keystore own/ks.db 2>stderr || status=$?
  [ $status -lt 100 ] || { echo "status $status"; cat stderr; exit 1; }
  verdict root
done
# Restores from a directory that everybody may write work the same way.
for round in {1..4}; do
  catch
  status=0
  timeout 60 envcrypt keystore backup open/restored.db --keystore ks.db 2>stderr || status=$?
  [ $status -lt 100 ] || { echo "status $status"; cat stderr; exit 1; }
  verdict root
done
# A new keystore: its root key is not known in advance, but anybody who opens it has the key. The files that he caught
# open nothing.
for round in {1..8}; do
  catch
  status=0
  timeout 60 envcrypt init -q --protector none --keystore open/new.db 2>stderr || status=$?
  [ $status -lt 100 ] || { echo "status $status"; cat stderr; exit 1; }
  touch stop
  wait $swapper
  cksum own/* | cmp - before
  # No page of a database is in a file that he owns or can read.
  python3 - <<'P'
import os, stat, sys
for place in ('open', 'theirs'):
    for directory, _, names in os.walk(place):
        for name in names:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and (status.st_uid != os.getuid() or status.st_mode & 0o077):
                if open(path, 'rb').read(16).startswith(b'SQLite'):
                    sys.exit('a keystore is in ' + path)
P
done
touch stop
# Without the second user everything works as usual.
rm -rf open; mkdir -m 777 open
envcrypt keystore backup open/b.db --keystore own/ks.db 2>/dev/null
envcrypt keystore check --keystore open/b.db 2>/dev/null | matches 'all as envcrypt wrote them'
