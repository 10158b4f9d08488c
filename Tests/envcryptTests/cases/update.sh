# --update leaves out files that have not changed since the last run, by modification time and size.
mkdir -p tree/sub out
printf one >tree/a
printf two >tree/sub/b
: >tree/empty
touch -d '2024-05-01 10:00:00.123456789' tree/a tree/sub/b tree/empty

files() { find out -name '*.envc' -printf '%P %i\n' | sort; }
update() { envcrypt encrypt -R tree -o out --update "$@" 2>notes; }
told() { grep -qF -- "$1" notes || { echo "not told: $1"; cat notes; return 1; }; }
restored() { rm -rf back; envcrypt decrypt -q -R out/tree -o back; diff -r tree back/tree; }
mkdir back

update
told '3 files done'
restored
[ "$(stat -c %y out/tree/a.envc)" = "$(stat -c %y tree/a)" ]

# Nothing has changed.
before=$(files)
update
told '0 files done'
told '3 left as they are'
[ "$(files)" = "$before" ]
# It needs no passphrase, and says nothing with -q.
[ -z "$(envcrypt encrypt -R tree -o out --update -q 2>&1)" ]

# Another size, and the same time.
printf longer >tree/a
touch -d '2024-05-01 10:00:00.123456789' tree/a
update
told '1 file done, 2 left as they are'
restored

# Another time, and the same size. One nanosecond is enough, in both directions.
printf LONGER >tree/a
touch -d '2024-05-01 10:00:00.123456790' tree/a
update
told '1 file done'
restored
printf Longer >tree/a
touch -d '2024-05-01 10:00:00.123456789' tree/a
update
told '1 file done'
restored
# The beginning of the same second is another time, too.
printf lOnger >tree/a
touch -d '2024-05-01 10:00:00' tree/a
update
told '1 file done'
printf loNger >tree/a
touch -d '2024-05-01 10:00:00.5' tree/a
update
told '1 file done'
restored

# New files, and messages that are gone.
echo new >tree/sub/new
rm out/tree/sub/b.envc
update
told '2 files done, 2 left as they are'
restored

# A message that is incomplete is replaced, and so is an empty file.
for size in 0 50 -1 -20; do
  touch -r out/tree/a.envc time
  truncate -s "$size" out/tree/a.envc
  touch -r time out/tree/a.envc
  update
  told '1 file done, 3 left as they are'
done
restored

# A file that is not a message is only replaced with --force.
rm out/tree/a.envc
echo 'my own' >out/tree/a.envc
touch -r tree/a out/tree/a.envc
fails 73 envcrypt encrypt -q -R tree -o out --update
says 'out/tree/a.envc exists already'
[ "$(cat out/tree/a.envc)" = 'my own' ]
update --force
told '1 file done, 3 left as they are'
restored
# Neither is a directory, a link, or a FIFO, which does not make it wait.
for make in mkdir 'ln -s b.envc' mkfifo; do
  rm out/tree/sub/new.envc
  $make out/tree/sub/new.envc
  status=73; [ "$make" != mkfifo ] || status=64
  fails $status envcrypt encrypt -q -R tree -o out --update; says out/tree/sub/new.envc
  [ ! -f out/tree/sub/new.envc ] || [ -L out/tree/sub/new.envc ]
  rm -r out/tree/sub/new.envc
  : >out/tree/sub/new.envc
done
update
restored

# A new mode or owner of an unchanged file is passed on, to the message and back.
node=$(stat -c %i out/tree/a.envc)
chmod 640 tree/a; [ "$(id -u)" != 0 ] || chown 4711:4712 tree/a
update --dry-run; [ "$(stat -c %a out/tree/a.envc)" = 644 ]
update; told '0 files done, 4 left as they are'
attributes() { stat -c '%a %u %g %y' "$1"; }
[ "$(attributes out/tree/a.envc)" = "$(attributes tree/a)" ]; [ "$(stat -c %i out/tree/a.envc)" = "$node" ]
envcrypt decrypt -q -R out/tree -o back --update; [ "$(attributes back/tree/a)" = "$(attributes tree/a)" ]
[ "$(id -u)" != 0 ] || chown 0:0 tree/a
chmod 600 tree/a; update; envcrypt decrypt -q -R out/tree -o back --update; [ "$(attributes back/tree/a)" = "$(attributes tree/a)" ]
if python3 -c 'import os; os.setxattr("tree/a", "user.note", b"1")' 2>/dev/null; then
  update --xattrs
  python3 -c 'import os; assert os.getxattr("out/tree/a.envc", "user.note") == b"1"; os.setxattr("tree/a", "user.note", b"2")'
  update --xattrs
  python3 -c 'import os; assert os.getxattr("out/tree/a.envc", "user.note") == b"2"; os.removexattr("tree/a", "user.note")'
  update --xattrs
  python3 -c 'import os; assert os.listxattr("out/tree/a.envc") == []'
fi

# Armored and signed messages, other frames, beside their files.
rm -rf out tree/*.envc
for options in -a --sign '-a --sign' '--frame-length 1' '--frame-length 3 -a' '--frame-length 6 --sign'; do
  envcrypt encrypt -q -R tree $options --update
  before=$(find tree -name '*.envc' -printf '%P %i\n' | sort)
  envcrypt encrypt -R tree $options --update 2>notes
  told '4 left as they are'
  [ "$(find tree -name '*.envc' -printf '%P %i\n' | sort)" = "$before" ]
  find tree -name '*.envc' -delete
done

# A single file, whose output gets its time.
envcrypt encrypt -q tree/a --update
[ "$(stat -c %y tree/a.envc)" = "$(stat -c %y tree/a)" ]
node=$(stat -c %i tree/a.envc)
envcrypt encrypt -q tree/a --update
[ "$(stat -c %i tree/a.envc)" = "$node" ]
fails 73 envcrypt encrypt -q tree/a
printf other! >tree/a
envcrypt encrypt -q tree/a --update
[ "$(envcrypt decrypt tree/a.envc -o -)" = 'other!' ]
rm tree/a.envc

# It needs files.
printf x | fails 64 envcrypt encrypt --update -o x.envc
fails 64 envcrypt encrypt --update tree/a -o -
