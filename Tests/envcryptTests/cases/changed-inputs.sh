# A file that changes while it is read is named, with status 3. The bytes that were read become a message. (The torture
# tests do the same with output files and at each read.)
random 8000000 > whole

# changing COMMAND...: encrypts ./big into a pipe and runs the command after the first byte. The rest does not fit into
# the pipe, so the end of the file is read later.
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
# Size and time stay the same.
changing sh -c 'touch -r big time; printf x | dd of=big bs=1 conv=notrunc status=none; touch -r time big'; told
[ "$(stat -c %s read)" = 8000000 ]
# Another file in its place: the file that was opened is read.
cp whole new; changing mv new big; told
cmp whole read
# The same with standard input.
cp whole big
{ envcrypt encrypt <big 2>stderr && echo 0 >status || echo $? >status; } | { head -c 1; echo more >>big; cat; } >big.envc
[ "$(cat status)" = 3 ]; says 'warning: standard input changed while it was read'
# Pipes and files in /proc do not count as changed.
cat whole | envcrypt encrypt -f -o big.envc
envcrypt encrypt -f -o big.envc /proc/cpuinfo

# A message that changes while it is read is authentic or refused. No warning about the change appears.
envcrypt encrypt -f whole -o message.envc
{ envcrypt decrypt message.envc -o - 2>stderr && echo 0 >status || echo $? >status; } |
  { head -c 1; truncate -s 5000000 message.envc; cat; } >read
[ "$(cat status)" = 65 ]
cmp -n "$(stat -c %s read)" whole read
absent
