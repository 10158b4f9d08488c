# A keystore without a passphrase, in a directory in which others may replace it, gives one warning.
mkdir open
chmod 777 open
envcrypt init -q --protector none --keystore open/k.db 2>stderr
says "warning: the keystore open/k.db is not protected by a passphrase or key file"
says "others may replace it: $PWD/open has mode 0777"
says "hint: chmod go-w -- $PWD/open"
echo text >f
envcrypt encrypt f -o f1 --keystore open/k.db 2>stderr
[ "$(grep -c warning stderr)" = 1 ]
says "$PWD/open has mode 0777"
# Many files give one warning, and -q does not suppress it.
for n in 1 2 3; do echo "$n" >"g$n"; done
envcrypt encrypt -q g1 g2 g3 --keystore open/k.db 2>stderr
[ "$(grep -c warning stderr)" = 1 ]
envcrypt keystore status --keystore open/k.db | matches 'warning     others may replace it'
[ "$(envcrypt keystore status --json --keystore open/k.db | json 'len(j["Warnings"])')" = 1 ]

# The remedy.
chmod go-w open
envcrypt decrypt f1 -o - --keystore open/k.db 2>stderr | cmp - f
[ ! -s stderr ]
[ "$(envcrypt keystore status --json --keystore open/k.db | json 'j["Warnings"]')" = '[]' ]
# A sticky bit, as on /tmp, also prevents others from replacing it.
chmod 1777 open
envcrypt encrypt f -o f2 --keystore open/k.db 2>stderr
[ ! -s stderr ]

# With a passphrase there is no warning.
chmod 777 open
echo long-enough >pass; chmod 600 pass
envcrypt init -q --keystore open/p.db --passphrase-file pass 2>stderr
envcrypt encrypt f -o f3 --keystore open/p.db --passphrase-file pass 2>>stderr
[ ! -s stderr ]

# If others may read the file itself, it is refused.
chmod 700 open
chmod 640 open/k.db
fails 78 envcrypt encrypt f -o f4 --keystore open/k.db
says 'chmod 600 -- open/k.db'
