# A key that is disabled or pending deletion opens nothing and wraps nothing, including files.
echo text > a
id=$(envcrypt key create --alias alias/x); envcrypt key create --alias alias/y > /dev/null
envcrypt encrypt a -k alias/x -o x.envc; envcrypt encrypt a -k alias/x -k alias/y -o both.envc
state() { envcrypt key describe "$id" --json | json 'j["KeyMetadata"]["KeyState"], j["KeyMetadata"]["Enabled"]'; }
# closed NAME HINT: no file is encrypted or decrypted under the key, and nothing is left.
closed() {
  fails 69 envcrypt encrypt a -k alias/x -o out; says "$1"; says "envcrypt: hint: envcrypt key $2 $id"
  absent out
  fails 69 envcrypt encrypt a -k alias/y -k "$id" -o out; says "$1"; absent out
  fails 69 envcrypt decrypt x.envc -o out; says "$1"; says "envcrypt: hint: envcrypt key $2 $id"; absent out
  fails 69 envcrypt decrypt x.envc -k alias/x -o out; says "$1"; absent out
  fails 69 envcrypt verify x.envc; says "$1"
  cp x.envc moved.envc
  fails 69 envcrypt reencrypt moved.envc -k alias/y; says "$1"; cmp x.envc moved.envc; absent
  # The other key of a message opens it.
  envcrypt decrypt both.envc -o - | cmp - a
  # The information in the message itself is still readable.
  envcrypt inspect x.envc | matches -F "alias/x"
}
open() { envcrypt encrypt a -k alias/x -o new.envc -f; envcrypt decrypt new.envc -o - | cmp - a; envcrypt decrypt x.envc -o - | cmp - a; }

[ "$(state)" = "('Enabled', True)" ]; open
envcrypt key disable alias/x
[ "$(state)" = "('Disabled', False)" ]; closed DisabledException enable
envcrypt key disable alias/x
fails 69 envcrypt kms rotate-key-on-demand --key-id alias/x; says DisabledException
fails 69 envcrypt key rotate alias/x; says DisabledException
envcrypt key enable alias/x; open

fails 64 envcrypt key schedule-deletion alias/x --days 6
fails 64 envcrypt key schedule-deletion alias/x --days 31
[ "$(state)" = "('Enabled', True)" ]
before=$(date -u -d '+7 days' +%F)
envcrypt key schedule-deletion alias/x --days 7 2>stderr
says "last use of key $id: "; says "envcrypt key cancel-deletion $id"
# The date may change in the meantime.
after=$(date -u -d '+7 days' +%F)
[ "$(state)" = "('PendingDeletion', False)" ]
envcrypt key describe alias/x > shown; grep -E "^state +PendingDeletion, deleted on ($before|$after)" shown
envcrypt key list | matches "$id .*PendingDeletion"
closed KMSInvalidStateException cancel-deletion
for refused in 'enable' 'disable' 'rotate' 'update --description x' 'schedule-deletion' 'tag'; do
  set -- $refused; command=$1; shift
  [ "$command" != tag ] || set -- a=b
  fails 69 envcrypt key "$command" "$id" "$@"; says KMSInvalidStateException
done
fails 69 envcrypt alias create alias/z "$id"; says KMSInvalidStateException
envcrypt key cancel-deletion alias/x 2>stderr; says 'key is disabled'
fails 69 envcrypt key cancel-deletion alias/x; says KMSInvalidStateException
[ "$(state)" = "('Disabled', False)" ]; closed DisabledException enable
envcrypt key enable "$id"; open
# The escrow copy opens messages even then.
envcrypt key export alias/x -o x.json 2>/dev/null
envcrypt key schedule-deletion alias/x -y --json 2>/dev/null | json 'j["PendingWindowInDays"], j["KeyState"]' | matches -x "(30, 'PendingDeletion')"
envcrypt decrypt x.envc --keyring x.json --keystore missing.db -o - | cmp - a
envcrypt key cancel-deletion alias/x 2>/dev/null; envcrypt key enable alias/x

# On a terminal the tool asks for confirmation.
delete=(envcrypt key schedule-deletion alias/x --days 9)
for answer in n $'\n' yellow; do
  fails 77 on_terminal "$answer" "${delete[@]}" > shown
  matches -F 'Delete it in 9 days? [y/N]' < shown; matches 'not confirmed' < shown; open
done
on_terminal '' "${delete[@]}" -y > shown
fails 1 grep -F '[y/N]' shown; [ "$(state)" = "('PendingDeletion', False)" ]
envcrypt key cancel-deletion alias/x 2>/dev/null; envcrypt key enable alias/x
on_terminal y "${delete[@]}" > shown; [ "$(state)" = "('PendingDeletion', False)" ]
