# A file that changes while it is read is named, with status 3; what was read is a message. (The torture does the
# same with files for outputs, and at each read.)
random 8000000 > whole

# changing COMMAND...: encrypts ./big into a pipe, and runs the command when the first byte has come out. The rest
# does not fit into the pipe, so the end of the file is read after that.
changing() {
  cp whole big
  { envcrypt encrypt big -o - 2>stderr && echo 0 >status || echo $? >status; } | { head -c 1; "$@"; cat; } >big.envc
  envcrypt decrypt -o - big.envc > read
}
changing true
[ "$(cat status)" = 0 ]; [ ! -s stderr ]; cmp whole read
told() { [ "$(cat status)" = 3 ]; says 'envcrypt: warning: big changed while it was read'; }
changing truncate -s 5000000 big; told
cmp -n "$(stat -c %s read)" whole read
changing sh -c 'head -c 300 whole >> big'; told
changing truncate -s 0 big; told
# The same size and the same time.
changing sh -c 'touch -r big time; printf x | dd of=big bs=1 conv=notrunc status=none; touch -r time big'; told
[ "$(stat -c %s read)" = 8000000 ]
# Another file in its place: what was read is the one that was opened.
cp whole new; changing mv new big; told
cmp whole read
# It may come as standard input.
cp whole big
{ envcrypt encrypt <big 2>stderr && echo 0 >status || echo $? >status; } | { head -c 1; echo more >>big; cat; } >big.envc
[ "$(cat status)" = 3 ]; says 'warning: standard input changed while it was read'
# Neither a pipe nor a file of /proc changes.
cat whole | envcrypt encrypt -f -o big.envc
envcrypt encrypt -f -o big.envc /proc/cpuinfo

# A message that changes under its reader is authentic, or refused: nothing is said of the change.
envcrypt encrypt -f whole -o message.envc
{ envcrypt decrypt message.envc -o - 2>stderr && echo 0 >status || echo $? >status; } |
  { head -c 1; truncate -s 5000000 message.envc; cat; } >read
[ "$(cat status)" = 65 ]
cmp -n "$(stat -c %s read)" whole read
absent
