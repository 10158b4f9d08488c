# The keystore, its log and its journals can never be an output, under any name and with -f.
store=data/envcrypt/keystore.db
echo text > x; envcrypt encrypt x; envcrypt keystore status >/dev/null
ln -s $store soft; ln -s data/envcrypt linked; ln $store-audit hard-log
cp -p $store store; cp -p $store-audit log
# refused COMMAND...: no file of the keystore is changed.
refused() {
  fails 73 "$@"
  says 'belongs to a keystore, and cannot be an output'
  cmp store $store
}
# A keystore with two names or with a stray log is not opened. Commands that need no keystore are refused too.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout -out p.pem
touch $store-wal; ln $store hard
refused envcrypt encrypt -f -r p.pem -o hard x
refused envcrypt encrypt -f -r p.pem -o $store-wal x
rm hard $store-wal
for name in $store soft linked/keystore.db "$PWD/$store" ./data/../$store $store-audit hard-log $store-wal \
  $store-journal $store-shm linked/keystore.db-journal $store-audit.old $store-audit.old.2 $store-JOURNAL; do
  refused envcrypt encrypt -f -o "$name" x
  refused envcrypt decrypt -f -o "$name" x.envc
done
[ ! -e $store-journal ]; [ ! -e $store-shm ]; [ ! -e $store-audit.old ]
rm hard-log
refused envcrypt key export alias/default -f -o $store
refused envcrypt key export alias/default -o $store-journal
rsa=$(envcrypt key create --spec RSA_2048); cp -p $store store
refused envcrypt key public-key "$rsa" -f -o $store-journal
refused envcrypt data-key generate -f -o soft --no-plaintext
refused envcrypt keystore protector add key-file:"$PWD/$store-journal"
# Also with a command that needs no keystore.
refused envcrypt encrypt -f -r p.pem -o $store x
# By way of an output directory or a tree: neither as the name of a file nor of a directory.
cp x.envc keystore.db-journal.envc; mkdir -p tree/keystore.db-journal; echo 1 > tree/keystore.db-journal/one; echo 1 > tree/keystore.db-wal
refused envcrypt decrypt -f keystore.db-journal.envc -o data/envcrypt
fails 73 envcrypt decrypt -f $PWD/keystore.db-journal.envc x.envc -o data/envcrypt
[ -e data/envcrypt/x ]; [ ! -e $store-journal ]
(cd tree && envcrypt encrypt -q -R keystore.db-journal -k alias/default)
cp -r tree/keystore.db-journal j; mkdir sealed; mv j sealed/keystore.db-journal
refused envcrypt decrypt -f -R sealed/keystore.db-journal -o data/envcrypt
[ ! -e $store-journal ]
# Also if there is no keystore yet, or if another one is in use.
refused env ENVCRYPT_KEYSTORE="$PWD/new.db" envcrypt encrypt -r p.pem x -o new.db-journal
refused env ENVCRYPT_KEYSTORE="$PWD/new.db" envcrypt encrypt -r p.pem x -o new.db
envcrypt init -q --protector none --keystore other.db; cp other.db other
refused envcrypt encrypt -f -o other.db x
refused envcrypt encrypt -o other.db-journal x
refused envcrypt encrypt -o other.db-wal x
cmp other other.db
envcrypt keystore backup backup.db; cp -p $store store; refused envcrypt encrypt -f -o backup.db x
fails 73 envcrypt init --protector key-file:third.db-journal --keystore third.db
[ ! -e third.db-journal ]
# Neither a new keystore nor a backup has such a name, and nothing is made beside it.
ls -A . data/envcrypt > names
for name in $store other.db; do
  for ending in -journal -wal -shm -JOURNAL -audit -audit.old -audit.old.2; do
    file=$name$ending
    refused envcrypt init -q --protector none --keystore $file; says "$file belongs to a keystore"
    refused envcrypt keystore backup $file; says "$file belongs to a keystore"
    refused envcrypt keystore backup -f $file
    # Neither do key files and exported keys.
    [ -e $file ] || refused envcrypt keystore protector add key-file:"$PWD/$file"
    refused envcrypt init -q --keystore $file --protector key-file:key
    refused envcrypt key export alias/default -f -o $file
    refused envcrypt key public-key "$rsa" -f -o $file
  done
done
fails 73 envcrypt init -q --protector none --keystore .keystore-0123456789ab.tmp-audit; says 'a name for unfinished files'
ls -A . data/envcrypt | diff names -
cmp other other.db
# Standard output is the keystore.
for command in 'encrypt x -o -' 'key export alias/default' "key public-key $rsa"; do
  status=0; envcrypt $command 1<>$store 2>stderr || status=$?
  [ $status = 73 ]; says 'belongs to a keystore'; cmp store $store
done
# Standard output of a report is a file of the keystore. The file stays as it is.
: >$store-journal; cp -p $store store
for file in $store $store-audit $store-journal; do
  for command in 'key list' 'keystore audit' 'keystore audit --json' 'keystore status' 'keystore check' \
    'keystore protector list' 'alias list' 'inspect x.envc'; do
    before=$(sha256sum $file)
    status=0; envcrypt $command >>$file 2>stderr || status=$?
    [ $status = 73 ]; says 'standard output belongs to a keystore'; [ "$(sha256sum $file)" = "$before" ]
  done
done
rm $store-journal; envcrypt key list >report; [ -s report ]
# Other names in the same directory are allowed.
envcrypt encrypt x -o $store-notes; envcrypt encrypt -q x -o data/envcrypt/keystore
envcrypt keystore check; [ "$(envcrypt decrypt x.envc -o -)" = text ]
# Files with the names of unfinished files would be removed.
fails 73 envcrypt encrypt x -o .envcrypt-0123456789ab.tmp; says 'a name for unfinished files'
fails 73 envcrypt encrypt x -o data/envcrypt/.keystore-0123456789ab.tmp-journal

# The keystore can be an input like any other file, and writers are not disturbed.
mkdir out; cp -p $store store
envcrypt encrypt -R data -o out 2>stderr; says 'is the keystore in use'
# The keystore's log, which the run itself writes, is not reported as changed.
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do envcrypt encrypt -q -f -R data -o out; done
envcrypt decrypt -o - out/data/envcrypt/keystore.db.envc | cmp - store
envcrypt keystore check
# A process that writes to the keystore in the meantime leaves a journal, and that is reported.
printf 'a journal' > $store-journal
fails 3 envcrypt encrypt -q -f -r p.pem -R data -o out; says 'keystore.db changed while it was read'
rm $store-journal
