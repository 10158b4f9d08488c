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

# Questions go to the terminal if standard error is redirected, as the passphrase does.
mkdir tree; echo 1 > tree/1; echo 2 > tree/2; envcrypt encrypt -qR tree -o out; rm tree/2
again='envcrypt encrypt -R tree -o out --update --delete'
fails 77 on_terminal n bash -c "$again 2> log" > shown; [ -e out/tree/2.envc ]
matches -F 'Delete 1 message, whose sources are gone? [y/N] n' < shown; matches 'not confirmed' < log
if matches Delete < log; then cat log; exit 1; fi
# The error is on a line of its own if ^D ends the input.
fails 77 on_terminal $'\x04' $again > shown; tr -d '\r' < shown | matches '^envcrypt: error: nothing was deleted'
fails 77 on_terminal $'\x04' bash -c "$again 2> log" > shown; tr -d '\r' < shown | matches 'gone? \[y/N\] $'
on_terminal yes bash -c "$again 2> log" > shown; absent out/tree/2.envc
