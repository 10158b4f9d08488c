# Another user with write access to the directory of an output gains nothing.
if [ "$(id -u)" != 0 ]; then echo 'SKIPPED second-user: only root can be two users'; exit 0; fi
other() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
mkdir -m 777 shared; mkdir -m 700 private
if ! other touch shared/mark 2>/dev/null; then echo "SKIPPED second-user: others cannot enter $PWD"; exit 0; fi
echo secret > a; envcrypt encrypt a; echo kept > private/kept; envcrypt encrypt -q a -o private/m.envc
state() { ls -li private; cksum private/*; }
state > before
# refused TEXT COMMAND...
refused() { local text=$1; shift; fails 73 timeout 20 "$@"; says "$text"; state | diff before -; }
link='is a symbolic link of another user'

# Links to places that the other user may not write: a new file, an existing file, a directory, and the last link of a
# chain.
other ln -s "$PWD/private/new" shared/new; other ln -s "$PWD/private/kept" shared/kept
other ln -s "$PWD/private" shared/directory; ln -s new shared/chain
for option in -q -f; do
  refused "$link" envcrypt decrypt $option a.envc -o shared/new
  refused "$link" envcrypt decrypt $option a.envc -o shared/kept
  refused "$link" envcrypt decrypt $option a.envc -o shared/chain
  refused "$link" envcrypt encrypt $option a -o shared/new
  refused "$link" envcrypt decrypt $option a.envc -o shared/directory/new
  refused "$link" envcrypt decrypt $option a.envc -o shared/directory/kept
  refused "$link" envcrypt decrypt $option a.envc -o shared/directory
  refused "$link" envcrypt encrypt $option -R shared/directory
  refused "$link" envcrypt key export alias/default ${option#-q} -o shared/new
  refused "$link" envcrypt data-key generate --no-plaintext ${option#-q} -o shared/directory/new
done
new=$(envcrypt key create)
refused "$link" envcrypt reencrypt -R shared/directory -k "$new"
refused "$link" envcrypt reencrypt shared/directory/m.envc -k "$new"
other ln -s "$PWD/private/m.envc" shared/m.envc
refused "$link" envcrypt reencrypt shared/m.envc -k "$new"
# An input may be reached by such a link, because it is verified.
envcrypt verify -q shared/m.envc

# A pipe in the place of an output file would receive the plaintext.
other mkfifo shared/pipe
(other timeout 20 cat shared/pipe > got) & reader=$!
refused 'is a pipe of another user' envcrypt decrypt a.envc -o shared/pipe
refused 'is a pipe of another user' envcrypt decrypt -f a.envc -o shared/pipe
other sh -c ': > shared/pipe'; wait $reader; [ ! -s got ]

# Links of the user's own, and links in a directory that only their owner may write, are followed.
mkdir -m 755 quiet; ln -s ../private/mine quiet/link; chown -h 65534 quiet/link
envcrypt decrypt -q a.envc -o quiet/link; [ -L quiet/link ]; cmp a private/mine
rm private/mine; ln -s "$PWD/private/mine" shared/mine
envcrypt decrypt -q a.envc -o shared/mine; cmp a private/mine; rm private/mine
mkfifo own; (timeout 20 cat own > got) & reader=$!
envcrypt decrypt a.envc -o own; wait $reader; cmp a got
envcrypt decrypt a.envc -o >(cat > got.2); envcrypt decrypt a.envc -o /dev/null; envcrypt decrypt a.envc -o /dev/fd/1 | cmp - a

# A race: directories, and links to a private directory with the same messages in it, change places. The private
# directory keeps its files, which are hard links to the very same files.
mkdir -m 777 shared/tree shared/tree/sub; mkdir -m 700 snapshot
for n in 1 2 3 4 5 6; do envcrypt encrypt -q a -o shared/tree/sub/$n.envc; done
cp -al shared/tree/sub/. snapshot; chmod 700 snapshot
inodes() { find snapshot -name '*.envc' -printf '%f %i %s\n' | sort; }
inodes > inodes.before; mkdir restored
cat > swap.py <<'P'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.symlink(sys.argv[1], b"shared/tree/link")
parent = os.getppid()
while not os.path.exists("stop") and os.getppid() == parent:
    if libc.renameat2(-100, b"shared/tree/sub", -100, b"shared/tree/link", 2):
        sys.exit("renameat2: %d" % ctypes.get_errno())
P
python3 swap.py "$PWD/snapshot" & swapper=$!
end=$((SECONDS + 3)) runs=0
while [ $SECONDS -lt $end ] || [ $runs -lt 2 ]; do
  for command in "reencrypt -q --force -R shared/tree -k $new" "reencrypt -q --force shared/tree/sub/1.envc -k $new" \
    "decrypt -q -f -R shared/tree" "encrypt -q -f -R shared/tree" "encrypt -q -f a -o shared/tree/sub/9.envc"; do
    status=0; timeout 60 envcrypt $command 2>stderr || status=$?
    [ $status -lt 100 ] || { echo "status $status"; cat stderr; exit 1; }
  done
  runs=$((runs + 1))
done
touch stop; wait $swapper
inodes | diff inodes.before -
[ -z "$(find snapshot private -name '.envcrypt-*')" ]; state | diff before -
