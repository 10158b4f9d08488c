# A process that dies while it writes the first entry of a new audit log leaves no head. The log continues.
store=data/envcrypt/keystore.db
random 1000 > a
# The log is gone, with the record of init. Nothing else is missing.
only_that() { fails 78 envcrypt keystore check; says 'audit record 1 is missing'; [ "$(grep -c 'audit record' stderr)" = 1 ]; }
records() { envcrypt keystore audit --json | json 'len(j["Records"])'; }
rm $store-audit; envcrypt encrypt a; only_that
python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.write(bytes(133))' $store-audit
only_that
envcrypt encrypt -f a
[ "$(records)" = 2 ]; only_that

# The same with an empty log.
rm a.envc; : > $store-audit
only_that; envcrypt encrypt a; [ "$(records)" = 1 ]; only_that
envcrypt keystore audit | matches GenerateDataKey

# The log of a keystore that was removed is renamed.
rm $store; cp $store-audit before
envcrypt init -q --protector none
cmp $store-audit.old before
envcrypt keystore check
rm $store; envcrypt init -q --protector none
[ -e $store-audit.old.2 ]; cmp $store-audit.old before
envcrypt keystore check
