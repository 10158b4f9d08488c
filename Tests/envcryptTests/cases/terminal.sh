# Binary output never goes to a terminal. A passphrase is asked for without echo.
echo text > a; random 1000 > b; envcrypt encrypt a b
fails 64 on_terminal '' envcrypt encrypt a -o - > shown
matches -e --armor < shown; if LC_ALL=C matches -P '\x02\x04' < shown; then exit 1; fi
on_terminal '' envcrypt encrypt -a a -o - | matches 'BEGIN ENVCRYPT'
on_terminal '' envcrypt decrypt a.envc -o - | matches text
fails 64 on_terminal '' envcrypt decrypt b.envc -o - > shown; matches binary < shown
fails 64 on_terminal '' envcrypt key export alias/default > shown; fails 1 grep material shown
on_terminal $'pass\npass' envcrypt init --keystore t.db > shown; fails 1 grep pass$'\r' shown
on_terminal pass envcrypt encrypt --keystore t.db a -o t.envc
fails 77 on_terminal $'other\nwrong\nfalse' envcrypt decrypt --keystore t.db t.envc -o - > shown
matches 'wrong passphrase for the keystore t.db' < shown; [ "$(grep -c 'Passphrase for' shown)" = 3 ]
fails 64 on_terminal $'one\ntwo' envcrypt init --keystore u.db > shown; matches differ < shown; absent u.db
