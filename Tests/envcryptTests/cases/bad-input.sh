# Every kind of bad input gives one clear error and its exit status, and no output.
random 200000 > a; envcrypt encrypt a; size=$(stat -c %s a.envc)
for cut in 1 50 100 300 65900 $((size - 70)) $((size - 1)); do
  head -c "$cut" a.envc > cut.envc
  fails 65 envcrypt decrypt cut.envc; says truncated; absent cut
done
flip() { python3 -c '
import sys
b = bytearray(open("a.envc","rb").read()); b[int(sys.argv[1])] ^= 1; open("bad.envc","wb").write(b)' "$1"; }
for at in 250 70000 $((size - 1)); do
  flip "$at"; fails 65 envcrypt decrypt bad.envc; says 'not authentic'; absent bad
done
: > empty; fails 65 envcrypt decrypt empty -o x; says 'the input is empty'
echo hello > text; fails 65 envcrypt decrypt text -o x; says 'not a message'
printf '\x03\x04\x78' > v3; fails 65 envcrypt decrypt v3 -o x; says 'version 3'
printf '\x02\x04\x79' > suite; fails 65 envcrypt decrypt suite -o x; says '0x0479'
(cat a.envc; echo x) > more; fails 65 envcrypt decrypt more -o x; says 'more data'
fails 65 envcrypt inspect text; fails 65 envcrypt verify text
absent x
fails 74 envcrypt decrypt a.envc -o /dev/full; says 'no space'
status=0; envcrypt encrypt a -o - > /dev/full 2>stderr || status=$?; [ "$status" = 74 ]
fails 73 envcrypt encrypt a -o missing/x; says 'no directory missing'
fails 64 envcrypt encrypt --no-such-option
fails 64 envcrypt encrypt a -f --frame-length 0

# An empty file of the largest size: no arithmetic overflows. (It once did.)
if truncate -s 9223372036854775807 /dev/shm/envcrypt-huge.$$ 2>/dev/null; then
  fails 65 envcrypt inspect /dev/shm/envcrypt-huge.$$ || { rm /dev/shm/envcrypt-huge.$$; exit 1; }
  fails 65 envcrypt decrypt -o - /dev/shm/envcrypt-huge.$$ || { rm /dev/shm/envcrypt-huge.$$; exit 1; }
  rm /dev/shm/envcrypt-huge.$$
fi
