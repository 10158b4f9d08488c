# A process that dies while it writes the first entry of the audit log leaves no head. The log continues.
store=data/envcrypt/keystore.db
random 1000 > a
python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.write(bytes(133))' $store-audit
envcrypt keystore check
envcrypt encrypt a
envcrypt keystore audit --json | json 'len(j["Records"]) if isinstance(j, dict) else len(j)' | matches -x 2
envcrypt keystore check

# The same with an empty log.
rm a.envc; : > $store-audit
envcrypt keystore check; envcrypt encrypt a; envcrypt keystore check
envcrypt keystore audit | matches GenerateDataKey

# The log of a keystore that was removed is renamed.
rm $store; cp $store-audit before
envcrypt init -q --protector none
cmp $store-audit.old before
envcrypt keystore check
rm $store; envcrypt init -q --protector none
[ -e $store-audit.old.2 ]; cmp $store-audit.old before
envcrypt keystore check
