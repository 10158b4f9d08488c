# A tree comes back as it was, as with cp -a: modes, times, links, empty directories, and owners if root restores it.
mkdir -p tree/deep/er tree/empty tree/fixed/inner tree/private tree/shared out back
echo a > tree/a; random 70000 > tree/deep/b; : > tree/deep/er/nothing; echo f > tree/fixed/inner/file
ln -s a tree/link; ln -s deep//er/ tree/deep/dirlink; ln -s /nowhere/at/all tree/dangling; ln -s . tree/deep/loop
ln -s "$(printf 'x%.0s' $(seq 3000))" tree/long; ln -s a tree/link.envc; ln -s "$(printf '\377\n')" "tree/$(printf 'odd\n\376')"
chmod 640 tree/a; chmod 604 tree/deep/b; chmod 400 tree/fixed/inner/file
chmod 700 tree/private; chmod 2775 tree/shared; chmod 1777 tree/empty; chmod 500 tree/fixed/inner; chmod 555 tree/fixed
if [ "$(id -u)" = 0 ]; then
  chown 1234:5678 tree/a tree/private; chown -h 4321 tree/link; chmod 4755 tree/a; chgrp 5678 tree/shared; chmod 6711 tree/deep/b
fi
# Times with nanoseconds, of files, directories and links, inner ones first; before 1970 and far away too.
stamp=981173106
while read -r -d '' path; do
  touch -h -d "@$stamp.$((stamp % 7 + 1))23456789" "$path"; stamp=$((stamp + 86413))
done < <(find tree -depth -print0)
touch -d '1950-01-02 03:04:05.5 UTC' tree/deep/er/nothing; touch -d '2100-01-02 03:04:05.5 UTC' tree/deep/er
# listing DIRECTORY: every entry with all that must come back, without .envc.
listing() { (cd "$1" && find . -printf '%p|%y %m %U:%G %T@ %l\n' | sed 's/\.envc|f/|f/' | LC_ALL=C sort); }
listing tree > wanted

envcrypt encrypt -R tree -o out 2>stderr
says '4 files done'; says '7 symbolic links'; ! grep -q skipped stderr || exit 1
# The encrypted tree has the same entries.
listing out/tree | diff wanted -
envcrypt decrypt -q -R out/tree -o back
listing back/tree | diff wanted -
diff -r --no-dereference tree back/tree
# Neither verify nor reencrypt follows the links. Replaced messages keep their attributes.
cp -a out again; envcrypt verify -q -R again; envcrypt reencrypt -q -f -R again -k alias/default
listing again/tree | grep -v '|d' | diff <(grep -v '|d' wanted) -

# rsync agrees, if it is there.
if command -v rsync >/dev/null; then
  rsync -aHn --itemize-changes --checksum tree/ back/tree/ > changes; [ ! -s changes ] || { cat changes; exit 1; }
else
  echo 'SKIPPED: there is no rsync'
fi

# Again, over what is there: directories and links that are there already are no obstacle, files are.
chmod 711 back/tree/private; touch back/tree/deep
fails 73 envcrypt decrypt -R out/tree -o back; says '4 failed'; says '7 symbolic links'
listing back/tree | diff wanted -
# -f replaces links and files by links, but never a directory or a FIFO.
ln -sfn elsewhere back/tree/link; rm back/tree/dangling; echo text > back/tree/dangling
fails 73 envcrypt decrypt -R out/tree -o back; says 'back/tree/link exists already'; says 'back/tree/dangling exists already'
[ "$(readlink back/tree/link)" = elsewhere ]; [ "$(cat back/tree/dangling)" = text ]
envcrypt decrypt -q -f -R out/tree -o back; listing back/tree | diff wanted -
rm back/tree/link back/tree/dangling; mkdir back/tree/link; mkfifo back/tree/dangling
fails 73 envcrypt decrypt -f -R out/tree -o back; says 'back/tree/link is a directory'; says 'back/tree/dangling is not a regular file'
[ -p back/tree/dangling ]; absent
rm -r back/*

# A slash at the end: what is in the directory, without its name, as with rsync. The output directory becomes like it.
envcrypt decrypt -q -R out/tree/ -o back; listing back | diff wanted -
mkdir plain; envcrypt encrypt -q -R tree/. -o plain; [ "$(stat -c '%a %y' plain)" = "$(stat -c '%a %y' tree)" ]
(cd tree; envcrypt encrypt -q -f -R . -o ../plain); diff <(cd plain; find . | sort) <(cd out/tree; find . | sort)
printf 'out/tree/\0' > list; mkdir listed; envcrypt decrypt -q -R -0 --files-from list -o listed; listing listed | diff wanted -

# Without -o, directories and links are there already. Files get the times of their sources.
cp -a tree beside; envcrypt encrypt -R beside 2>stderr; says '4 files done; skipped 7 symbolic links'
[ "$(stat -c %y beside/a.envc)" = "$(stat -c %y tree/a)" ]
[ "$(stat -c '%a %u %Y' beside/deep/b.envc)" = "$(stat -c '%a %u %Y' tree/deep/b)" ]
# Files that are named keep what they kept before: their mode, less the umask.
envcrypt encrypt -q tree/a -o named.envc; [ "$(stat -c %Y named.envc)" != "$(stat -c %Y tree/a)" ]

# A link that has the name of another file's output is refused. The file comes first.
mkdir rivals; echo 1 > rivals/x; ln -s x rivals/x.envc
fails 73 envcrypt encrypt -f -R rivals -o out; says 'out/rivals/x.envc is the output of rivals/x'; [ -f out/rivals/x.envc ]
mv rivals/x.envc rivals/y; ln -s y rivals/z; cp out/rivals/x.envc rivals/z.envc; rm rivals/x
fails 73 envcrypt decrypt -f -R rivals -o back; says 'back/rivals/z is the output of rivals/z.envc'; cmp tree/a tree/a; [ "$(cat back/rivals/z)" = 1 ]
# Several trees with the same link.
mkdir -p one two; ln -s a one/link; ln -s b two/link
fails 73 envcrypt encrypt -f -R one/ two/ -o back; says 'already written'; [ "$(readlink back/link)" = a ]

# FIFOs, sockets and devices are named.
mkdir odd; echo 1 > odd/one; mkfifo odd/pipe
envcrypt encrypt -q -R odd -o out 2>stderr; says 'odd/pipe is a FIFO, a socket or a device, and was left out'

# A user who is not root restores no owner, and no set-user-ID. Read-only directories are no obstacle, also the second time.
if can_be nobody; then
  envcrypt key export alias/default -o escrow.json; chown nobody escrow.json; mkdir -m 777 theirs; chmod 711 tree/private
  nobody() { setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups "$@"; }
  mkdir easy; cp -a tree/fixed tree/shared tree/link easy; cp -a tree/deep/b easy; chmod 6755 easy/b
  chown -R nobody easy/fixed; envcrypt encrypt -q -R easy -o out; chmod 644 out/easy/b.envc; chmod 4755 out/easy/b.envc
  chown nobody:"$(id -g nobody)" out/easy/fixed out/easy/fixed/inner
  for again in 1 2; do
    nobody envcrypt decrypt -f --keystore none.db --keyring escrow.json -R out/easy -o theirs 2>stderr
    says 'set-user-ID, set-group-ID or sticky bits were not kept, of theirs/easy'
    [ "$(stat -c '%a %U' theirs/easy/fixed theirs/easy/fixed/inner | tr '\n' ' ')" = '555 nobody 500 nobody ' ]
    [ "$(stat -c %Y theirs/easy/fixed/inner)" = "$(stat -c %Y easy/fixed/inner)" ]
    [ -z "$(find theirs -perm /6000)" ]; [ "$(stat -c %U theirs/easy/link)" = nobody ]
  done
fi

# A file system that cannot keep something: one warning for each kind.
if [ "$(id -u)" = 0 ] && command -v mkfs.vfat >/dev/null && truncate -s 20M fat.img && mkfs.vfat fat.img >/dev/null && mkdir fat && mount -o loop fat.img fat 2>/dev/null; then
  mkdir dos; for n in 1 2 3; do echo $n > dos/$n; ln -s $n dos/link$n; done; chmod 600 dos/*; chown 1234 dos/[123]; touch -d '2001-02-03 04:05:07.5' dos/[123]
  status=0; envcrypt encrypt -R dos -o fat 2>stderr || status=$?
  umount fat; cat stderr; [ $status = 0 ]
  says 'does not have symbolic links: 3 were left out'; says 'the modification time was not kept exactly, of fat/dos/1.envc and of 2 more'
  [ "$(grep -c warning stderr)" -le 5 ]
else
  echo 'SKIPPED: no FAT file system can be mounted'
fi
absent
