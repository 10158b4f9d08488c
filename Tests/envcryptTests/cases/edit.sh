# edit changes the plaintext of a message in an editor, and encrypts it again under the same keys. The plaintext is only
# in memory.
text=s3cret-canary
printf 'A=%s\n' $text | envcrypt encrypt -c app=db -o app.env.envc
chmod 640 app.env.envc; touch -d 2001-02-03 app.env.envc
cat >editor <<'P'
#!/bin/sh
# The last argument is the file. Notes what the editor sees, and runs $DO with the file as $f.
for f; do :; done
echo "$f" >seen; stat -c %a "$f" "$(dirname "$f")" >>seen; stat -f -c %T "$f" >>seen
[ ! -t 0 ] || echo terminal >>seen
eval "$DO"
P
chmod +x editor; export EDITOR=$PWD/editor

# gone: the directory of the text and every other one that edit makes does not exist any more.
gone() {
  [ ! -e "$(dirname "$(head -1 seen)")" ]
  [ -z "$(find /dev/shm ${XDG_RUNTIME_DIR-} -maxdepth 1 -user "$(id -u)" -name 'envcrypt-edit-*' -newer editor 2>/dev/null)" ]
  absent .envcrypt-x
}

DO='echo B=2 >>"$f"' envcrypt edit app.env.envc
[ "$(envcrypt decrypt -c app=db app.env.envc -o -)" = "A=$text"$'\n'B=2 ]
[ "$(sed 1d seen | tr '\n' ' ')" = '600 700 tmpfs ' ]
[ "$(basename "$(head -1 seen)")" = app.env ]; gone
[ "$(stat -c %a app.env.envc)" = 640 ]
[ "$(stat -c %Y app.env.envc)" -gt "$(date -d 2020-01-01 +%s)" ]

# VISUAL comes first; both may have arguments, quoted as in a shell.
mkdir 'my editors'; cp editor 'my editors/one'
VISUAL="'$PWD/my editors/one' -x 'y z'" EDITOR=false DO='sed -i s/B=2/B=3/ "$f"' envcrypt edit app.env.envc
envcrypt decrypt app.env.envc -o - | matches -x B=3
VISUAL= DO='sed -i s/B=3/B=4/ "$f"' envcrypt edit app.env.envc
envcrypt decrypt app.env.envc -o - | matches -x B=4

# Nothing changes without a change, and if the editor fails.
cp -p app.env.envc before
DO= envcrypt edit app.env.envc 2>&1 | matches -xF 'envcrypt: app.env.envc was not changed'
DO='cp "$f" "$f.new"; mv "$f.new" "$f"; touch "$f"' envcrypt edit -q app.env.envc 2>&1 | cmp - /dev/null
DO='echo lost >"$f"; exit 3' fails 71 envcrypt edit app.env.envc
says 'the editor failed with status 3, so app.env.envc is as it was'; gone
EDITOR=no-such-editor fails 71 envcrypt edit app.env.envc; says 'the editor failed with status 127'; gone
DO='rm "$f"' fails 66 envcrypt edit app.env.envc; says 'so app.env.envc is as it was'; gone
DO='ln -sf /etc/passwd "$f"' fails 66 envcrypt edit app.env.envc; says 'so app.env.envc is as it was'; gone
cmp before app.env.envc; [ before -ot app.env.envc ] && exit 1; [ app.env.envc -ot before ] && exit 1

# An editor may replace the file and leave others, links too, which are not followed.
mkdir elsewhere; touch elsewhere/stays
DO='cd "$(dirname "$f")"; mkdir -p d/e; echo A=new >d/e/x; cp d/e/x ./"$(basename "$f")"; ln -s "$OLDPWD/elsewhere" link; touch .swp; mkfifo fifo
  chmod 500 d/e' envcrypt edit app.env.envc
[ "$(envcrypt decrypt app.env.envc -o -)" = A=new ]; [ -e elsewhere/stays ]; gone

# The form of the message stays: keys in their current versions, context, armor, signature, frame length.
envcrypt key create --alias alias/two >/dev/null
echo old | envcrypt encrypt -k alias/two -k alias/default -c a=b --armor --sign --frame-length 512 -o form.envc
envcrypt inspect form.envc --json >before.json
envcrypt key rotate alias/two
DO='echo new >"$f"' envcrypt edit -c a=b form.envc
envcrypt inspect form.envc --json >after.json
python3 - <<'P'
import json
def form(name):
    message = json.load(open(name))["Messages"][0]
    keys = [key for name, value in message.items() if name == "EncryptedDataKeys" for key in value]
    context = {k: v for k, v in message["EncryptionContext"].items() if not k.startswith("aws-crypto-")}
    return message["Armored"], message["Signed"], message.get("FrameLength"), context, len(keys), json.dumps(keys)
before, after = form("before.json"), form("after.json")
assert before[:5] == after[:5], (before, after)
assert "/1" in before[5] and "/2" in after[5], (before, after)
P
envcrypt decrypt -k alias/two form.envc -o - | matches -x new
fails 64 envcrypt edit -k alias/two form.envc; says 'form.envc exists: it keeps its keys'
fails 65 envcrypt edit -c a=c form.envc; says 'wrong encryption context'

# A key that the message cannot keep is named before the editor starts.
openssl genrsa -out rsa.pem 2048 2>/dev/null; openssl rsa -in rsa.pem -pubout -out pub.pem 2>/dev/null
echo x | envcrypt encrypt -k alias/two -r pub.pem -o shared.envc
rm seen; fails 69 envcrypt edit shared.envc; absent seen

# A new message.
DO='echo T=1 >"$f"' envcrypt edit -c app=new -a new.env.envc
[ "$(envcrypt decrypt -c app=new new.env.envc -o -)" = T=1 ]; head -1 new.env.envc | matches '^-----BEGIN'; gone
DO= envcrypt edit nothing.envc 2>&1 | matches -F 'nothing was written, so there is no nothing.envc'; absent nothing.envc
DO='echo x >"$f"; exit 1' fails 71 envcrypt edit nothing.envc; says 'so there is no nothing.envc'; absent nothing.envc
rm seen
fails 69 envcrypt edit -k alias/nowhere nothing.envc; absent nothing.envc seen
fails 66 envcrypt edit app.env; says 'there is no app.env'; says 'hint: envcrypt edit -- app.env.envc'; absent seen app.env
fails 73 envcrypt edit nowhere/new.envc; absent seen
fails 64 envcrypt edit - </dev/null; fails 66 envcrypt edit .; mkfifo fifo; fails 64 envcrypt edit fifo
fails 73 envcrypt edit data/envcrypt/keystore.db-journal; says 'belongs to a keystore'; absent seen
cp app.env.envc bad.envc; flip bad.envc $(($(stat -c %s bad.envc) - 20))
fails 65 envcrypt edit bad.envc; says 'bad.envc: not authentic'; absent seen

# The text is not lost if the message was changed meanwhile, or cannot be written.
kept() { sed -n "s/^envcrypt: hint: your text is kept in memory, in \([^;]*\);.*/\1/p" stderr; }
DO='echo mine >"$f"; envcrypt reencrypt -f app.env.envc' fails 73 envcrypt edit app.env.envc
says 'app.env.envc was changed by another process meanwhile'
[ "$(cat "$(kept)/app.env")" = mine ]; [ "$(stat -c %a "$(kept)")" = 700 ]
DO= envcrypt edit -q app.env.envc; [ -e "$(kept)/app.env" ]
rm -r -- "$(kept)"; gone
[ "$(envcrypt decrypt app.env.envc -o -)" = A=new ]
# It is not lost either if it has become too long to be edited again.
DO='truncate -s 67108865 "$f"' fails 65 envcrypt edit app.env.envc; says 'more than 64.0 MiB, and could not be edited again'
[ "$(stat -c %s "$(kept)/app.env")" = 67108865 ]; rm -r -- "$(kept)"; gone
[ "$(envcrypt decrypt app.env.envc -o -)" = A=new ]
DO='echo mine >"$f"; touch late.envc' fails 73 envcrypt edit late.envc; says 'late.envc exists already'
[ "$(cat "$(kept)/late")" = mine ]; rm -r -- "$(kept)"; [ ! -s late.envc ]; gone
DO='echo mine >"$f"; envcrypt key disable alias/two' fails 69 envcrypt edit form.envc
[ "$(cat "$(kept)/form")" = mine ]; rm -r -- "$(kept)"; envcrypt key enable alias/two; gone
DO='echo mine >"$f"; kill -KILL $$' fails 71 envcrypt edit form.envc; says 'the editor was killed by signal 9, so form.envc is as it was'
[ "$(cat "$(kept)/form")" = mine ]; rm -r -- "$(kept)"; gone

# Names of every kind.
for name in $'line\nfeed.envc' $'\xff.envc' '-n.envc' 'a b$(touch evil).envc' '.envc' 'plain'; do
  echo 1 | envcrypt encrypt -o "./$name"
  DO='echo 2 >"$f"' envcrypt edit -- "$name"
  [ "$(envcrypt decrypt -o - -- "$name")" = 2 ]; gone
done
absent evil
ln -s app.env.envc link.envc
DO='echo linked >"$f"' envcrypt edit link.envc; [ -L link.envc ]; [ "$(envcrypt decrypt app.env.envc -o -)" = linked ]

# Signals: an interrupt in the terminal is the editor's; others remove the text and end the editor.
cp app.env.envc before
cat >interrupts.py <<'P'
import os, signal, subprocess
# As a terminal does: the signal goes to envcrypt, to the shell and to the editor.
do = 'trap : INT QUIT; kill -INT 0; kill -QUIT 0; echo after >"$f"'
tool = subprocess.run(["envcrypt", "edit", "app.env.envc"], env={**os.environ, "DO": do}, start_new_session=True)
assert tool.returncode == 0, tool.returncode
P
python3 interrupts.py
[ "$(envcrypt decrypt app.env.envc -o -)" = after ]; gone
cp app.env.envc before
for signal in TERM HUP USR1; do
  rm -f seen
  DO='echo $$ >editor.pid; echo changed >"$f"; touch "$f.ready"; exec sleep 1000' envcrypt edit app.env.envc &
  await test -s seen; await test -e "$(head -1 seen).ready"
  kill -$signal $!
  status=0; wait $! || status=$?
  [ $status = $((128 + $(kill -l $signal))) ]; gone; cmp before app.env.envc
  await eval '! kill -0 $(cat editor.pid) 2>/dev/null'
done
# After a kill, the next edit removes the text, when no editor has it open any more.
rm -f seen
DO='echo $$ >editor.pid; touch "$f.ready"; exec sleep 1000' envcrypt edit app.env.envc &
await test -s seen; await test -e "$(head -1 seen).ready"; old=$(head -1 seen)
kill -KILL $!; wait $! || :
DO= envcrypt edit -q app.env.envc; [ -e "$old" ]
kill -KILL $(cat editor.pid); await eval '! kill -0 $(cat editor.pid) 2>/dev/null'
DO= envcrypt edit -q app.env.envc; [ ! -e "$old" ]; gone

# Real editors.
if command -v ed >/dev/null; then
  printf 's/after/by ed/\nw\nq\n' | EDITOR='ed -s' envcrypt edit app.env.envc
  [ "$(envcrypt decrypt app.env.envc -o -)" = 'by ed' ]
fi
if command -v vim >/dev/null; then
  EDITOR="vim -es -u NONE -i NONE -c '%s/by ed/by vim/' -c wq" envcrypt edit app.env.envc </dev/null
  [ "$(envcrypt decrypt app.env.envc -o -)" = 'by vim' ]; gone
  fails 71 env EDITOR='vim -es -u NONE -c cq' envcrypt edit app.env.envc </dev/null
fi
rm seen
DO='echo on a terminal >"$f"' on_terminal '' envcrypt edit app.env.envc; tail -1 seen | matches -x terminal

# A passphrase is asked once, before the editor starts, also for a new message.
export ENVCRYPT_KEYSTORE=locked.db
umask 077; echo correct horse battery >passphrase; umask 022; envcrypt init -q --passphrase-file passphrase
DO='echo 1 >"$f"' on_terminal 'correct horse battery' envcrypt edit locked.envc | matches 'Passphrase for locked.db'
DO='echo 2 >"$f"' on_terminal 'correct horse battery' envcrypt edit locked.envc | matches 'Passphrase for locked.db'
envcrypt decrypt --passphrase-file passphrase locked.envc -o - | matches -x 2
rm seen; fails 77 setsid -w envcrypt edit locked.envc </dev/null; absent seen
unset ENVCRYPT_KEYSTORE

# XDG_RUNTIME_DIR is used if it is in memory and belongs to the user.
mkdir -m 700 "/dev/shm/case-$$"; trap 'rm -rf "/dev/shm/case-$$"' EXIT
XDG_RUNTIME_DIR=/dev/shm/case-$$ DO='echo 3 >"$f"' envcrypt edit app.env.envc; head -1 seen | matches "^/dev/shm/case-$$/envcrypt-"
chmod 777 "/dev/shm/case-$$"
XDG_RUNTIME_DIR=/dev/shm/case-$$ DO='echo 4 >"$f"' envcrypt edit app.env.envc; head -1 seen | matches '^/dev/shm/envcrypt-'
if [ "$(stat -f -c %T .)" != tmpfs ]; then
  XDG_RUNTIME_DIR=$PWD DO='echo 5 >"$f"' envcrypt edit app.env.envc; head -1 seen | matches '^/dev/shm/envcrypt-'
fi
XDG_RUNTIME_DIR=dev DO='echo 6 >"$f"' envcrypt edit app.env.envc; head -1 seen | matches '^/dev/shm/envcrypt-'

# The text is in no file of this directory.
printf 'A=%s\n' $text | envcrypt encrypt -f -o app.env.envc
DO='echo B=2 >>"$f"' envcrypt edit app.env.envc
fails 1 grep -rqF "$text" .
[ -z "$(find /var/tmp /dev/shm -newer editor -type f -exec grep -lF "$text" {} + 2>/dev/null)" ]
