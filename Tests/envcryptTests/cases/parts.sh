# Parts of a message: the correct bytes, and only the requested ones.

random 3000000 >plain
envcrypt encrypt plain

part() { envcrypt decrypt --offset "$1" --length "$2" -o - plain.envc; }
cut() { tail -c +$(($1 + 1)) plain | dd bs="$2" count=1 iflag=fullblock status=none; }

for range in '0 1' '65535 2' '65536 65536' '1000000 1500000' '2999999 1' '2999999 100'; do
  set -- $range
  part "$1" "$2" | cmp - <(cut "$1" "$2")
done
[ "$(part 3000000 10 | wc -c)" = 0 ]
[ "$(envcrypt decrypt --offset 2M plain.envc -o - | wc -c)" = $((3000000 - 2 * 1024 * 1024)) ]
[ "$(envcrypt decrypt --length 1KiB plain.envc -o - | wc -c)" = 1024 ]
envcrypt decrypt --offset 10 --length 20 -o piece plain.envc
cmp piece <(cut 10 20)
envcrypt decrypt --offset 7 -o - <plain.envc | cmp - <(tail -c +8 plain)

# A part is never written to a file with the name of the whole.
rm plain.copy 2>/dev/null || true
cp plain.envc copy.envc
envcrypt decrypt --offset 10 --length 20 copy.envc | cmp - <(cut 10 20)
absent copy

# The end is checked, even if the part is elsewhere.
head -c 2000000 plain.envc >short.envc
fails 65 envcrypt decrypt --offset 0 --length 1 -o - short.envc
says 'truncated'

fails 64 envcrypt decrypt --offset 0 --length 1 -o - < <(cat plain.envc)
says 'only a message in a regular file can be decrypted in part'
fails 64 envcrypt decrypt --offset 0 -o . plain.envc plain.envc
fails 64 envcrypt decrypt --offset -1 plain.envc
fails 64 envcrypt decrypt --offset 1Q plain.envc
fails 64 envcrypt decrypt --length 9999999999999999999 plain.envc
fails 64 envcrypt decrypt --length 9000000T plain.envc
fails 64 envcrypt decrypt --ignore-signature plain.envc

envcrypt encrypt --sign -o signed.envc plain
fails 65 envcrypt decrypt --offset 5 --length 5 -o - signed.envc
says '--ignore-signature'
envcrypt decrypt --offset 5 --length 5 --ignore-signature -o - signed.envc | cmp - <(cut 5 5)

envcrypt encrypt -a -o armored.envc plain
fails 64 envcrypt decrypt --offset 5 --length 5 -o - armored.envc
says 'armor'
