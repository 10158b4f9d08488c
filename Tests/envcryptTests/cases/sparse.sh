# decrypt --sparse makes holes of runs of zeros. The contents stay the same.
blocks() { stat -c %b "$1"; }
truncate -s 5M zeros; truncate -s 1234567 tail; printf end >> tail
{ head -c 4096 /dev/zero; random 4096; head -c 1000000 /dev/zero; printf x; head -c 300000 /dev/zero; } > mixed
{ random 5000; head -c 3000 /dev/zero; random 100; } > small; : > empty; printf '\0' > one; random 3000000 > full
truncate -s 300M huge; printf x | dd of=huge bs=1 seek=200000000 conv=notrunc 2>/dev/null
truncate -s 1M probe
if [ "$(blocks probe)" != 0 ]; then echo 'SKIPPED: the file system has no holes'; exit 0; fi
files='zeros tail mixed small empty one full'
for length in 65536 4096 5000 1000000; do
  for file in $files; do
    envcrypt encrypt -q -f --frame-length $length $file
    envcrypt decrypt -q -f --sparse $file.envc -o back.$file; cmp $file back.$file
    cat $file.envc | envcrypt decrypt -q -f --sparse -o back.$file; cmp $file back.$file
  done
  [ "$(blocks back.zeros)" = 0 ] || [ $length != 65536 ]; [ "$(blocks back.mixed)" -le 200 ]
done
envcrypt decrypt -q -f zeros.envc -o dense; [ "$(blocks dense)" -ge 10240 ]
# The last block counts, too, if it is not whole.
for size in 1 100 4095 4097 12345 65537 1048575; do
  truncate -s $size hole; envcrypt encrypt -qf hole; envcrypt decrypt -qf --sparse hole.envc -o back.hole
  cmp hole back.hole; [ "$(blocks back.hole)" = 0 ]
  { random 3000; cat hole; } > after; envcrypt encrypt -qf after; envcrypt decrypt -qf --sparse after.envc -o back.after
  cmp after back.after; [ "$(blocks back.after)" -le 16 ]
done
# In a tree, over an existing file, and a part.
mkdir tree; envcrypt encrypt -q zeros mixed -o tree; envcrypt decrypt -q -f --sparse -R tree -o out
cmp out/tree/zeros zeros; cmp out/tree/mixed mixed; [ "$(blocks out/tree/zeros)" = 0 ]
envcrypt decrypt -q -f --sparse -R tree -o out; cmp out/tree/mixed mixed
envcrypt decrypt -q --sparse --offset 5000 --length 900001 tree/mixed.envc -o part; cmp part <(tail -c +5001 mixed | head -c 900001)
envcrypt decrypt -q --sparse full.envc -o - | cmp - full
envcrypt decrypt -q --sparse tail.envc -o /dev/null; envcrypt decrypt -q --sparse tail.envc --stdout | cmp - tail
# A large hole: reading and writing it takes no room.
envcrypt encrypt -q huge; envcrypt decrypt -q --sparse huge.envc -o huge.back; cmp huge huge.back; [ "$(blocks huge.back)" -le 64 ]
# A message that is damaged at its end leaves nothing, holes or not.
truncate -s -1 full.envc; fails 65 envcrypt decrypt --sparse full.envc -o damaged; absent damaged
