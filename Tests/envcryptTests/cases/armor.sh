# Ciphertext as text: in a variable, with CRLF, without the last line feed. decrypt recognizes it.
secret=$(echo hunter2 | envcrypt encrypt -a)
[ "$(printf '%s' "$secret" | envcrypt decrypt)" = hunter2 ]
[ "$(printf '\n%s  \n\n' "$secret" | sed 's/$/\r/' | envcrypt decrypt)" = hunter2 ]
random 100000 > a; envcrypt encrypt -a a
head -n 1 a.envc | matches -x -- '-----BEGIN ENVCRYPT MESSAGE-----'
mv a b; envcrypt decrypt a.envc; cmp a b
[ "$(envcrypt inspect --json a.envc | json 'j["Messages"][0]["PlaintextSize"], j["Messages"][0]["Armored"]')" = '(100000, True)' ]
grep -v -- '-----END' a.envc > cut
fails 65 envcrypt decrypt cut -o c
says truncated; absent c
echo hunter2 | envcrypt encrypt | base64 > plain64
fails 65 envcrypt decrypt plain64 -o c
says 'the base64 of one'; says 'base64 -d'
