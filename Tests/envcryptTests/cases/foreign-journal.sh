# A directory like /tmp, where everybody may make files and nobody may remove those of others. A second user makes the
# files there that SQLite would use for the owner's keystore. No command uses them, and each names them.
mkdir -m 1777 shared
store=shared/ks.db
envcrypt init -q --protector none --keystore $store 2>/dev/null
envcrypt key create --keystore $store >/dev/null 2>&1
random 1000 >a
cp $store before.db

# Files of one's own that others may write to, or that have another name.
for ending in -journal -shm; do
  : >$store$ending
  chmod 666 $store$ending
  for command in 'encrypt a -o b' 'key list' 'keystore check' 'key create' 'keystore backup c.db'; do
    fails 78 envcrypt $command --keystore $store
    says "$store$ending has mode 0666, so that others may write to it, and SQLite would use it"
    says 'hint: remove it'
  done
  chmod 600 $store$ending
  ln $store$ending other
  fails 78 envcrypt key list --keystore $store
  says "$store$ending has 2 names (hard links)"
  rm other $store$ending
done
absent b c.db
: >shared/new.db-journal
chmod 602 shared/new.db-journal
fails 78 envcrypt init -q --protector none --keystore shared/new.db
says 'shared/new.db-journal has mode 0602'
fails 78 envcrypt keystore backup --keystore $store shared/new.db
absent shared/new.db
rm shared/new.db-journal
cmp $store before.db

can_be daemon || exit 0
as_daemon() { setpriv --reuid daemon --regid daemon --clear-groups "$@"; }
for ending in -journal -wal -shm; do
  for mode in 600 644 666; do
    as_daemon sh -c "umask 0; : >$store$ending; chmod $mode $store$ending"
    for command in 'encrypt a -o b' 'key list' 'key create' 'keystore backup c.db'; do
      fails 78 envcrypt $command --keystore $store
      says "$store$ending"
    done
    [ ! -s $store$ending ]
    as_daemon rm $store$ending
  done
done
as_daemon ln -s "$PWD/a" $store-journal
fails 78 envcrypt key create --keystore $store; says "$store-journal is not a journal of the keystore"
as_daemon rm $store-journal
cmp $store before.db
absent b c.db

# He makes a journal as soon as there is none, many times: empty, or with a page for the keystore in it. A command
# either does its work or is refused. The keystore never has his page, and his file never has a page of the keystore.
cat >make.py <<'P'
import os, random, struct, sys, time
path, stop, size = sys.argv[1:]
page = b'theirs!!' * 512
nonce = 7
check = nonce + sum(page[i] for i in range(4096 - 200, 0, -200))
header = bytes.fromhex('d9d505f920a163d7') + struct.pack('>IIIII', 1, nonce, int(size) // 4096, 512, 4096)
hot = header.ljust(512, b'\0') + struct.pack('>I', 2) + page + struct.pack('>I', check & 0xFFFFFFFF)
os.umask(0)
print('armed', flush=True)
made = kept = 0
while not os.path.exists(stop):
    for content in (hot, b''):
        try:
            number = os.open(path + '-journal', os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except FileExistsError:
            continue
        made += 1
        os.write(number, content)
        time.sleep(0.002)
        if os.pread(number, 1 << 20, 0) != content:
            kept += 1
        try:
            os.unlink(path + '-journal')
        except OSError:
            pass
        os.close(number)
        # Time for a command to begin.
        time.sleep(random.random() / 50)
print('made', made, 'kept', kept, flush=True)
P
as_daemon /usr/bin/python3 make.py $store stop $(stat -c %s $store) >made 2>&1 &
maker=$!
await grep -q armed made
done=0 refused=0
for n in {1..200}; do
  status=0
  envcrypt key create --keystore $store >/dev/null 2>stderr || status=$?
  # He may have removed his file before its name was looked for.
  case $status in
    0) done=$((done + 1)) ;;
    78) refused=$((refused + 1)) ;;
    73) says 'cannot be written' ;;
    *) echo "status $status"; cat stderr; exit 1 ;;
  esac
done
touch stop
wait $maker
cat made
echo "done $done, refused $refused"
[ $done -gt 0 ]
[ $refused -gt 0 ]
grep -q 'kept 0$' made
! grep -q 'theirs!!' $store || exit 1
rm -f $store-journal
envcrypt keystore check --keystore $store 2>/dev/null | matches 'all as envcrypt wrote them'
