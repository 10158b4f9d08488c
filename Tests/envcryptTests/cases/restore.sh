# 'keystore restore' brings a keystore back from a backup, checks the backup first, and replaces nothing but another state
# of the same keystore, and that only with -f.
store=$XDG_DATA_HOME/envcrypt/keystore.db
random 10000 > a; envcrypt encrypt a; envcrypt key create --alias alias/old > old; envcrypt encrypt a -k alias/old -o old.envc
mkdir usb; envcrypt keystore backup usb/copy.db
cp -r usb untouched

# The keystore is lost, with its directory. The restore is recorded, and the backup is as it was.
rm -r data; envcrypt keystore restore usb/copy.db 2> stderr; says "keystore $store restored: keys 2, versions 2"
diff -r usb untouched
[ "$(stat -c %a "$store" "$store-audit" "$(dirname "$store")")" = $'600\n600\n700' ]
for message in a.envc old.envc; do envcrypt decrypt $message -o - | cmp - a; done
envcrypt keystore check | matches 'all as envcrypt wrote them'
envcrypt keystore audit --operation RestoreKeystore | matches -E 'AuditRecords=[0-9]+  Keys=2  Versions=2  ok'
# A log of the lost keystore that goes further stays, and is continued.
envcrypt encrypt -f a; before=$(envcrypt keystore audit | wc -l); rm "$store"; envcrypt keystore restore -q usb/copy.db 2> stderr
[ ! -s stderr ]; [ "$(envcrypt keystore audit | wc -l)" = $((before + 1)) ]; envcrypt keystore check | matches 'all as envcrypt wrote them'

# Going back to the backup's state needs -f; the message says what would be lost.
envcrypt keystore restore -f usb/copy.db 2> /dev/null
envcrypt key rotate alias/old; envcrypt key create --alias alias/new > /dev/null; cp "$store" now
fails 73 envcrypt keystore restore usb/copy.db
says "there is already a keystore at $store, with 2 key versions that the backup lacks"; says 'keystore backup FILE'
cmp "$store" now; absent usb/.keystore*
envcrypt keystore restore -f usb/copy.db 2> /dev/null
fails 69 envcrypt encrypt -f a -k alias/new; envcrypt decrypt old.envc -o - | cmp - a
envcrypt keystore check | matches 'all as envcrypt wrote them'

# Another keystore, a file and a directory are not replaced, and neither is the backup by itself.
envcrypt init -q --protector none --keystore other.db; cp other.db before
for force in '' -f; do
  fails 73 envcrypt keystore restore $force usb/copy.db --keystore other.db; says 'is another keystore ('; says 'hint: move it away'
  fails 73 envcrypt keystore restore $force usb/copy.db --keystore a; says 'a is not a state of the keystore in the backup'
  fails 73 envcrypt keystore restore $force usb/copy.db --keystore usb; says 'usb is not a regular file'
  fails 64 envcrypt keystore restore $force usb/copy.db --keystore usb/copy.db; says 'is the keystore that would be restored'
  fails 64 envcrypt keystore restore $force "$store"
done
cmp other.db before; diff -r usb untouched
# A link to the place of a lost keystore is followed.
mkdir far; ln -s far/real.db link.db; envcrypt keystore restore -q usb/copy.db --keystore link.db
[ -L link.db ]; envcrypt decrypt a.envc -o - --keystore far/real.db | cmp - a
# A stray journal is not applied to it.
echo journal > gone.db-journal; fails 73 envcrypt keystore restore usb/copy.db --keystore gone.db; says 'gone.db-journal'; absent gone.db
# Files that are not backups are refused.
fails 78 envcrypt keystore restore missing.db --keystore new.db; says 'there is no backup at missing.db'
chmod 600 a; fails 78 envcrypt keystore restore a --keystore new.db; says 'not an SQLite database'; absent new.db new.db-audit
# A directory that cannot be made.
fails 73 envcrypt keystore restore usb/copy.db --keystore a/new.db

# A backup whose records are damaged is not restored, and the message says how to copy it as it is.
cp usb/copy.db bad.db; cp usb/copy.db-audit bad.db-audit; chmod 600 bad.db
python3 -c 'import sqlite3; db = sqlite3.connect("bad.db"); db.execute("UPDATE masterKey SET state = \"Disabled\""); db.commit()'
fails 78 envcrypt keystore restore bad.db --keystore new.db
says "the backup bad.db is damaged: "; says "key $(cat old)"; says 'keystore backup --keystore FILE'; absent new.db new.db-audit
# A backup without its log is restored, with a warning.
mkdir alone; cp usb/copy.db alone; envcrypt keystore restore alone/copy.db --keystore alone/new.db 2> stderr
says 'warning: '; says restored; envcrypt decrypt a.envc -o - --keystore alone/new.db | cmp - a

# With a passphrase: it is asked for, and unlocks the restored keystore.
umask 077; echo 'correct horse' > pass; echo 'wrong one' > wrong
envcrypt init -q --keystore p.db --passphrase-file pass; envcrypt encrypt a --keystore p.db --passphrase-file pass -o p.envc
envcrypt keystore backup p.copy --keystore p.db
fails 77 envcrypt keystore restore p.copy --keystore p.new --passphrase-file wrong; says 'wrong passphrase'; absent p.new p.new-audit
envcrypt keystore restore -q p.copy --keystore p.new --passphrase-fd 3 3< pass
envcrypt decrypt p.envc -o - --keystore p.new --passphrase-file pass | cmp - a
# A keystore that requires records has that of its restore.
envcrypt keystore require-audit on; envcrypt keystore backup required.db; rm -r data
envcrypt keystore restore -q required.db; envcrypt keystore audit --operation RestoreKeystore | matches ok
# A medium that cannot be written, and a snapshot with hard links.
ln required.db hard.db; rm -r data; envcrypt keystore restore -q hard.db; envcrypt decrypt a.envc -o - | cmp - a
if unshare -rm true 2> /dev/null; then
  unshare -rm bash -eu -c 'mount --bind usb usb; mount -o remount,ro,bind usb
    envcrypt keystore restore -q usb/copy.db --keystore from-ro.db'
  envcrypt decrypt a.envc -o - --keystore from-ro.db | cmp - a
  # A full disk: nothing is left.
  mkdir full; unshare -rm bash -eu -c 'mount -t tmpfs -o size=64k none full
    status=0; envcrypt keystore restore usb/copy.db --keystore full/new.db 2> stderr || status=$?
    [ "$status" = 74 ]; [ -z "$(ls -A full)" ]'
fi
