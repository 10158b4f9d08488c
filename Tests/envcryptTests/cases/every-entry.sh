# A tree with every kind of entry goes there and back as a user who is not root. rsync says what is different: only what
# such a user cannot have, and each of it is warned of, once.
command -v rsync >/dev/null || { skipped 'rsync is not installed'; exit 0; }
user() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  can_be nobody || exit 0
  user() { setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups "$@"; }
fi
envcrypt key export alias/default -o keys.json
mkdir tree out back

# What the user owns.
mkdir -p tree/sub/deep tree/empty tree/fixed tree/private
echo text >tree/text
random 200000 >tree/sub/large
: >tree/sub/nothing
truncate -s 1M tree/sparse
echo x | dd of=tree/sparse bs=1 seek=700000 conv=notrunc status=none
ln tree/text tree/sub/deep/name
ln tree/sub/nothing tree/nothing
ln -s text tree/link
ln -s ../no/where tree/sub/dangling
ln -s sub tree/way
echo 1 >"$(printf 'tree/odd\n\376 "name"')"
echo 2 >tree/-dash
echo 3 >tree/fixed/inside
echo 4 >tree/private/secret
chmod 600 tree/private/secret
chmod 700 tree/private
chmod 400 tree/fixed/inside
chmod 500 tree/fixed
chmod 3775 tree/empty
echo 5 >tree/set-user
chmod 4755 tree/set-user
mkfifo tree/pipe
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket")'
attributes=
if python3 -c 'import os; os.setxattr("tree/text", "user.origin", b"camera"); os.setxattr("tree/sub", "user.a", b"")' 2>/dev/null; then
  attributes=--xattrs
else
  echo 'SKIPPED: the file system has no extended attributes'
fi
if [ "$(id -u)" = 0 ]; then
  chown -hR nobody:"$(id -g nobody)" tree out back keys.json
  chmod 4755 tree/set-user
  chmod 3775 tree/empty
  # What is somebody else's, and what only root can read.
  echo 6 >tree/stranger
fi
find tree -depth -exec touch -h -d '2024-05-01 10:00:00.123456789' {} +
touch -h -d '1933-05-01 10:00:00.5' tree/sub/large tree/link
touch -d '2024-05-01 10:00:00.123456789' tree tree/sub

# run COMMAND...: with the keys, and as the user.
run() { user envcrypt "$1" --keystore none.db --keyring keys.json ${attributes:+$attributes} "${@:2}" 2>stderr; }
# warned TEXT...: exactly these warnings.
warned() { diff <([ $# = 0 ] || printf '%s\n' "$@") <(sed -n 's/^envcrypt: warning: //p' stderr | LC_ALL=C sort); }
special='is a FIFO, a socket or a device, and was left out'
run encrypt -R tree -o out
warned 'set-user-ID, set-group-ID or sticky bits were not kept, of out/tree/set-user.envc' \
  "tree/pipe $special" "tree/socket $special"
says 'skipped 2 special files'
run decrypt --sparse -R out/tree -o back
warned
# Specials, set-user-ID and owners are what is not the same.
differences() { rsync -aHAXn --itemize-changes --checksum --delete tree/ back/tree/ | sed 's/^\(.f\)....o.*g.* /\1 owner /'; }
wanted=('cS+++++++++ pipe' '.f...p..... set-user' 'cS+++++++++ socket')
[ "$(id -u)" != 0 ] || wanted+=('.f owner stranger')
differences | diff <(printf '%s\n' "${wanted[@]}") -
truncate -s 1M probe
[ "$(stat -c %b probe)" != 0 ] || [ "$(stat -c %b back/tree/sparse)" -lt 500 ]

# A second night has nothing to do, and warns of the same again. A second restoration finds everything.
run encrypt -R tree -o out --update --delete
says '0 files done'
says ' left as they are'
warned "tree/pipe $special" "tree/socket $special"
run decrypt -R out/tree -o back --update
says '0 files done'
warned
differences | diff <(printf '%s\n' "${wanted[@]}") -

# What only root can read is an error. If it is a directory, nothing is deleted: the files in it may be there.
if [ "$(id -u)" = 0 ]; then
  echo longer >tree/stranger
  chmod 600 tree/stranger
  fails 66 run encrypt -R tree -o out --update --delete
  says 'cannot open tree/stranger: permission denied'
  says '1 failed'
  rm tree/stranger tree/-dash
  mkdir -m 700 tree/theirs
  fails 66 run encrypt -R tree -o out --update --delete
  says 'tree/theirs: permission denied'
  says 'nothing was deleted'
  [ -e out/tree/-dash.envc ]
fi
absent
