# A file under the audit log's name that others may have made, or can change, is not the log: refused by name.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
echo text >f
refused() {
  for command in 'keystore check' 'keystore audit --prune-before 2000-01-01'; do
    fails 78 envcrypt $command; says "$log $1"; says 'move it away'
  done
  fails 74 envcrypt encrypt -q -f f; says "$log $1"; says 'lacks records of this command'
  fails 74 envcrypt key create >/dev/null; says "$log $1"
}
chmod 666 "$log"
refused 'has mode 666'; fails 78 envcrypt keystore audit >/dev/null
fails 78 envcrypt keystore backup copy.db; absent copy.db copy.db-audit
chmod 600 "$log"
ln "$log" other
refused 'has several names (hard links)'
envcrypt keystore audit >/dev/null; envcrypt keystore backup copy.db
rm other
envcrypt encrypt -q -f f; envcrypt keystore check >/dev/null
mv "$log" away; mkdir "$log"
refused 'is not a regular file'; fails 78 envcrypt keystore audit
rmdir "$log"; mv away "$log"
# Where records are required there is no key beside such a file.
envcrypt keystore require-audit on
chmod 622 "$log"; rm -f f.envc
fails 74 envcrypt encrypt f; absent f.envc
chmod 600 "$log"; envcrypt encrypt f
if [ "$(id -u)" = 0 ]; then
  chown 12345 "$log"
  fails 78 envcrypt keystore check; says "$log belongs to user 12345"
  chown 0 "$log"
fi
envcrypt keystore check >/dev/null
