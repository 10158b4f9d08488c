# A keystore that cannot be used is told once, and not for each file.

told() { [ "$(grep -c 'error: ' stderr)" = "$1" ] || { cat stderr; return 1; }; }

echo right > right; echo wrong > wrong; chmod 600 right wrong
envcrypt init -q --keystore p.db --protector passphrase --passphrase-file right
for n in 1 2 3 4; do random 2000 > f$n; done
envcrypt encrypt --keystore p.db --passphrase-file right f1 f2 f3 f4
rm f?

# It ends the run. The error names the keystore, and no file is at fault.
for command in decrypt verify reencrypt 'reencrypt -f'; do
  fails 77 envcrypt $command --keystore p.db --passphrase-file wrong f?.envc
  told 1; says 'error: wrong passphrase for the keystore p.db'; says '0 files done, 1 failed'
done
absent f1 f2
fails 77 envcrypt verify --keystore p.db --passphrase-file wrong f1.envc; told 1; says 'error: wrong passphrase for the keystore p.db'
fails 77 envcrypt encrypt --keystore p.db --passphrase-file wrong f?.envc; told 1; says 'wrong passphrase for the keystore p.db'
fails 77 envcrypt verify --keystore p.db f?.envc; told 1; says 'error: the keystore p.db is locked'
fails 78 envcrypt verify --keystore none.db f?.envc; told 1; says 'error: there is no keystore at none.db'
fails 66 envcrypt verify --keystore p.db --passphrase-file none f?.envc; told 1; says 'error: cannot open none'
fails 66 envcrypt verify --keystore p.db --key-file none --passphrase-file none f?.envc; told 1
fails 77 env ENVCRYPT_PASSPHRASE_COMMAND=false envcrypt verify --keystore p.db f?.envc; told 1; says ENVCRYPT_PASSPHRASE_COMMAND

# A keyring may open other files.
envcrypt key create --alias alias/kept > kept.id; envcrypt key export alias/kept -o kept.json
random 2000 > k1; random 2000 > k2; envcrypt encrypt -k alias/kept k1 k2; rm k1 k2
fails 77 envcrypt verify --keyring kept.json --keystore p.db --passphrase-file wrong f1.envc k1.envc f2.envc f3.envc k2.envc > verified
[ "$(cat verified)" = $'k1.envc: OK\nk2.envc: OK' ]
told 1; says 'error: wrong passphrase for the keystore p.db'; says '2 files done, 3 failed'
says 'warning: no key outside the keystore opens f1.envc, f2.envc, f3.envc'
# Damage still comes first.
flip k2.envc 1500
fails 65 envcrypt verify --keyring kept.json --keystore p.db --passphrase-file wrong f1.envc k1.envc k2.envc > verified
told 2; says 'error: k2.envc: not authentic'

# Long lists are shortened.
for ((n = 10; n < 25; n++)); do cp f1.envc f$n.envc; done
fails 77 envcrypt verify --keyring kept.json --keystore p.db --passphrase-file wrong f??.envc
told 1; says 'f18.envc, f19.envc and 5 more'; says '0 files done, 15 failed'
