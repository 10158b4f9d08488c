# Context pairs are authenticated. Pairs that are given to decrypt must be present and equal.
echo text > a
envcrypt encrypt a -c purpose=backup -c 'größe=λ=1' -c empty=
envcrypt decrypt a.envc -o - -c 'größe=λ=1' -c empty= | cmp - a
fails 65 envcrypt decrypt a.envc -o - -c purpose=restore
says "'purpose' should be 'restore' but is 'backup'"
fails 65 envcrypt decrypt a.envc -o - -c other=x
says "is missing"
fails 64 envcrypt encrypt a -f -c aws-crypto-x=1
says reserved
fails 64 envcrypt encrypt a -f -c nothing
fails 64 envcrypt encrypt a -f -c k=1 -c k=2
# Control characters in a message are escaped and not sent to the terminal.
envcrypt encrypt a -f -c $'k=\e[31mred\u202e'
envcrypt inspect a.envc > shown
grep -qF 'k = \u{1b}[31mred\u{202e}' shown
fails 1 grep -q $'\e' shown
# A key or a value may begin with a character that combines with the one before it.
fails 64 envcrypt encrypt a -f -c $'aws-crypto-\xcc\x81=1'
says reserved
envcrypt encrypt a -f -c $'k=\xcc\x81v'
envcrypt decrypt a.envc -o - -c $'k=\xcc\x81v' | cmp - a
