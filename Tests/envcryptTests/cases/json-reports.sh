# The reports of runs over files in JSON lines, and names for xargs -0.

# lines FILE EXPRESSION: evaluates a Python expression, in which l has the objects of the lines.
lines() { python3 -c 'import json,sys,base64; l=[json.loads(x) for x in open(sys.argv[1])]; print(eval(sys.argv[2]))' "$@"; }
# is TEXT FILE EXPRESSION: the expression has this value.
is() { local got; got=$(lines "$2" "$3"); [ "$got" = "$1" ] || { echo "is $got, not $1"; cat "$2"; return 1; }; }

id() { envcrypt inspect --json "$1" | json 'j["Messages"][0]["MessageId"]'; }

random 5000 > a; : > b; random 70000 > c
envcrypt encrypt --json a b c > report 2> told
is "['file', 'file', 'file', 'summary']" report '[x["Kind"] for x in l]'
is "[('a', 'a.envc', 'done', 5000), ('b', 'b.envc', 'done', 0), ('c', 'c.envc', 'done', 70000)]" report \
  '[(x["Input"], x["Output"], x["Result"], x["PlaintextSize"]) for x in l[:3]]'
is "$(id b.envc)" report 'l[1]["MessageId"]'
is envcrypt report 'l[0]["EncryptedDataKeys"][0]["ProviderId"]'
is '(3, 0, 0, 0, 75000, 0)' report \
  '(l[3]["Done"], l[3]["Failed"], l[3]["Unchanged"], l[3]["Skipped"], l[3]["PlaintextSize"], l[3]["ExitStatus"])'
is True report '0 <= l[3]["Seconds"] < 600'

# Failures: the message that people read, the hint and the status. It stays on standard error, too.
flip a.envc 3000
fails 65 envcrypt verify --json a.envc missing.envc c.envc > report
says 'error: a.envc: not authentic'
is "[('failed', 65), ('failed', 66), ('done', 0)]" report '[(x["Result"], x.get("Error", {}).get("Status", 0)) for x in l[:3]]'
is "$(sed -n 's/^envcrypt: error: //p' stderr | head -n 1)" report 'l[0]["Error"]["Message"]'
is 'get the file again from an intact copy' report 'l[0]["Error"]["Hint"]'
is '(65, 1, 2)' report '(l[3]["ExitStatus"], l[3]["Done"], l[3]["Failed"])'
is "$(id c.envc)" report 'l[2]["MessageId"]'
# One file, which fails: its line and the summary.
fails 65 envcrypt decrypt --json a.envc -o new > report; absent new
is '[65, 65]' report '[l[0]["Error"]["Status"], l[1]["ExitStatus"]]'
# A run that cannot begin has a summary, too.
fails 73 envcrypt decrypt --json c.envc b.envc -o a.envc > report
is "[('summary', 73, True)]" report '[(x["Kind"], x["ExitStatus"], "a.envc" in x["Error"]["Message"]) for x in l]'
fails 69 envcrypt encrypt --json -k alias/none a > report; is '(1, 69)' report '(len(l), l[0]["ExitStatus"])'
fails 78 envcrypt verify --json --keystore none.db b.envc c.envc > report
is '(78, 78, 1)' report '(l[0]["Error"]["Status"], l[-1]["ExitStatus"], l[-1]["Failed"])'
fails 78 envcrypt verify -q --json --keystore none.db b.envc > report; is 2 report 'len(l)'

# decrypt and reencrypt.
rm a b c
envcrypt decrypt --json b.envc c.envc > report
is "[('b.envc', 'b', 'done'), ('c.envc', 'c', 'done')]" report '[(x["Input"], x["Output"], x["Result"]) for x in l[:2]]'
envcrypt reencrypt --json b.envc c.envc > report
is "['unchanged', 'unchanged', 2, 0]" report '[l[0]["Result"], l[1]["Result"], l[2]["Unchanged"], l[2]["ExitStatus"]]'
envcrypt reencrypt -n -f --json b.envc > report; is "('wouldChange', 1)" report '(l[0]["Result"], l[1]["WouldChange"])'
old=$(id b.envc); envcrypt reencrypt -f --json b.envc > report
is "$(id b.envc)" report 'l[0]["MessageId"]'; [ "$old" != "$(id b.envc)" ]
envcrypt reencrypt -n -f --json < b.envc > report; is "('-', 'wouldChange')" report '(l[0]["Input"], l[0]["Result"])'

# Trees: what is skipped is counted, and warnings are in the summary.
mkdir -p tree/sub empty; echo x > tree/x; echo y > tree/sub/y; ln -s x tree/link
envcrypt encrypt -R --json tree empty > report 2> told
is '(2, 1)' report '(l[-1]["Done"], l[-1]["Skipped"])'
is True report 'l[-1]["Warnings"][0].startswith("no files to encrypt in empty")'
matches 'warning: no files' < told

# Names that are not UTF-8 come back, and names with line feeds and escapes.
strange=$'n\n\e[31m"\\' bytes=$'\xff\xfe'
echo s > "$strange"; echo t > "$bytes"
envcrypt encrypt --json "$strange" "$bytes" > report
[ "$(grep -c '' report)" = 3 ]
is True report "l[0]['Input'] == 'n\\n\\x1b[31m\"\\\\' and 'InputBytes' not in l[0]"
is "(b'\\xff\\xfe', b'\\xff\\xfe.envc', '\\\\xff\\\\xfe')" report \
  '(base64.b64decode(l[1]["InputBytes"]), base64.b64decode(l[1]["OutputBytes"]), l[1]["Input"])'
if matches $'\e' < report; then false; fi

# The report and the data cannot share standard output.
for options in '-o -' '-o /dev/stdout' '-o /dev/fd/1' '--length 3' '--stdout'; do
  fails 64 envcrypt decrypt --json $options c.envc | cat > piped; says 'hint: name the output with -o FILE'
  is '(1, 64)' piped '(len(l), l[0]["ExitStatus"])'
done
for command in 'encrypt' 'decrypt' 'reencrypt' 'encrypt -f c -'; do
  fails 64 envcrypt $command --json < c.envc > report; says 'standard output cannot take both'
done
envcrypt encrypt --json -o piped.envc < c > report; is "('-', 'piped.envc')" report '(l[0]["Input"], l[0]["Output"])'
envcrypt verify --json < piped.envc > report; is "('-', 'done')" report '(l[0]["Input"], l[0]["Result"])'

# A reader that goes away ends the run; a full disk is an error.
for ((n = 0; n < 200; n++)); do cp c.envc many$n.envc; done
fails 74 envcrypt verify --json c.envc b.envc > /dev/full; [ "$(grep -c 'error: ' stderr)" = 1 ]
{ envcrypt verify --json many*.envc; echo $? > status; } | head -n 1 > first || true
[ "$(cat status)" = 141 ] || [ "$(cat status)" = 0 ]

# Names for xargs -0, as they are.
fails 65 envcrypt verify --print0 a.envc c.envc "$strange.envc" "$bytes.envc" > names
printf '%s\0' c.envc "$strange.envc" "$bytes.envc" | cmp - names
envcrypt verify -q --print0 -R . | xargs -0 ls -d > listed || true
envcrypt reencrypt -n -f --print0 "$strange.envc" c.envc | cmp - <(printf '%s\0' "$strange.envc" c.envc)
fails 64 envcrypt reencrypt --print0 c.envc; says 'needs --dry-run'
fails 64 envcrypt verify --print0 --json c.envc

# keystore check.
envcrypt keystore check --json > check
[ "$(json '(j["Intact"], j["Damage"], j["Aliases"])' < check)" = '(True, [], 1)' ]
python3 - "$PWD/data/envcrypt/keystore.db" <<'P2'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE alias SET name = 'alias/other'"); db.commit()
P2
fails 78 envcrypt keystore check --json > check
[ "$(json 'j["Intact"], len(j["Damage"]) > 0' < check)" = '(False, True)' ]
says "$(json 'j["Damage"][0]' < check)"

# A check that cannot be made has a report, too, unless it would damage the keystore.
fails 78 envcrypt keystore check --json --keystore none.db > check
says "$(json 'j["Error"]["Message"]' < check)"; says "hint: $(json 'j["Error"]["Hint"]' < check)"
[ "$(json '(j["Intact"], j["Damage"], j["Error"]["Status"], "Keys" in j)' < check)" = '(False, [], 78, False)' ]
envcrypt init -q --keystore other.db --protector none; printf XXXX | dd of=other.db conv=notrunc status=none
fails 78 envcrypt keystore check --json --keystore other.db > check
[ "$(json '(j["Intact"], j["Error"]["Message"] != "")' < check)" = '(False, True)' ]
on_terminal $'passphrase\npassphrase' envcrypt init -q --keystore locked.db > shown
fails 77 envcrypt keystore check --json --keystore locked.db > check; [ "$(json 'j["Error"]["Status"]' < check)" = 77 ]
cp other.db before; fails 73 envcrypt keystore check --json --keystore other.db 1<> other.db; cmp before other.db
