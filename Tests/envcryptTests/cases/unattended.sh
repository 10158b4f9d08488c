# Runs as cron starts them: no terminal, no environment, no HOME, and standard files that may be closed. With a passphrase
# in a file and with a configuration file, backup, check and restoration work, and no message gets into a file.
tool=$(command -v envcrypt)
# bare COMMAND...: without any variable, without a terminal, and without a session that has one.
bare() { env -i setsid --wait ${LD_LIBRARY_PATH:+env LD_LIBRARY_PATH="$LD_LIBRARY_PATH"} "$@"; }
mkdir -p tree/sub etc/envcrypt out back
umask 077
echo 'right words' >etc/passphrase
umask 022
envcrypt init -q --keystore store.db --passphrase-file etc/passphrase
cat >etc/envcrypt/config.toml <<C
keystore = "$PWD/store.db"
passphrase-file = "$PWD/etc/passphrase"
C
printf one >tree/a
random 200000 >tree/sub/b
: >tree/empty
ln tree/a tree/sub/name
ln -s a tree/link
touch -h -d '2024-05-01 10:00:00.5' tree/a tree/sub/b tree/empty tree/link

# Everything is named on the command line. The second run does nothing, and prints nothing with -q.
options=(--keystore store.db --passphrase-file etc/passphrase)
bare "$tool" encrypt -q -R tree -o out --update --delete "${options[@]}" >printed 2>&1 </dev/null
nodes=$(find out -printf '%P %i\n' | sort)
bare "$tool" encrypt -q -R tree -o out --update --delete "${options[@]}" >>printed 2>&1 </dev/null
bare "$tool" verify -q -R out "${options[@]}" >>printed 2>&1 </dev/null
bare "$tool" decrypt -q -R out/tree -o back "${options[@]}" >>printed 2>&1 </dev/null
bare "$tool" decrypt -q -R out/tree -o back --update "${options[@]}" >>printed 2>&1 </dev/null
# The trace of the shell is there too.
! grep -v '^+' printed || exit 1
[ "$(find out -printf '%P %i\n' | sort)" = "$nodes" ]
# listing DIRECTORY: the entries with all that must come back.
listing() { (cd "$1" && find . -printf '%p %y %m %T@ %n %l\n' | sort); }
same() { diff -r --no-dereference tree back/tree && [ "$(listing tree)" = "$(listing back/tree)" ]; }
same

# The configuration file names them.
configured() { bare env XDG_CONFIG_HOME="$PWD/etc" "$tool" "$@" </dev/null; }
rm -r out/* back/*
configured encrypt -q -R tree -o out --update
configured verify -q -R out
configured decrypt -q -R out/tree -o back
same

# Without them, errors say what is missing, and nobody is asked.
fails 78 bare "$tool" verify -R out </dev/null
says 'HOME is not set'
fails 78 bare env HOME=/nowhere "$tool" verify -R out </dev/null
says 'there is no keystore at /nowhere/'
fails 77 bare "$tool" verify -R out --keystore store.db </dev/null
says 'the keystore store.db is locked'

# Standard files that are closed. Files that are opened get their numbers, but no message gets into a file.
closed() {
  case $1 in
  input) bare "${@:2}" <&- ;;
  output) bare "${@:2}" >&- ;;
  errors) bare "${@:2}" 2>&- ;;
  all) bare "${@:2}" <&- >&- 2>&- ;;
  esac
}
# This keystore needs no passphrase, which saves time.
options=(--keystore data/envcrypt/keystore.db)
for which in input output errors all; do
  rm -rf out/* back/*
  closed $which "$tool" encrypt -R tree -o out --update "${options[@]}"
  closed $which "$tool" encrypt -R tree -o out --update --delete "${options[@]}"
  closed $which "$tool" verify -R out -q "${options[@]}"
  closed $which "$tool" decrypt -R out/tree -o back "${options[@]}"
  closed $which "$tool" decrypt -R out/tree -o back --update "${options[@]}"
  same
  # Failures have their status, and damage nothing.
  cp out/tree/a.envc kept
  status=0
  closed $which "$tool" encrypt -a -R tree -o out "${options[@]}" 2>/dev/null || status=$?
  [ $status = 73 ]
  cmp kept out/tree/a.envc
  bare "$tool" keystore check "${options[@]}" >/dev/null 2>&1 </dev/null
done
absent
