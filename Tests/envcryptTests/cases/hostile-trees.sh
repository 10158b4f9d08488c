# Trees that somebody else prepared: nothing is written outside the output directory, no link below it is followed, and
# special files are not opened.
echo kept > outside; mkdir elsewhere out
echo text > a; envcrypt encrypt a

# A directory or a file in the output directory that is a symbolic link.
mkdir -p tree/sub; cp a.envc tree/sub/a.envc; cp a.envc tree/b.envc
mkdir out/tree; ln -s "$PWD/elsewhere" out/tree/sub; ln -s "$PWD/outside" out/tree/b
fails 73 envcrypt decrypt -f -R tree -o out
says 'out/tree/sub is a symbolic link'; says 'out/tree/b is a symbolic link'; says '3 failed'
[ "$(cat outside)" = kept ]; [ -z "$(ls elsewhere)" ]; [ -L out/tree/b ]
ln -s missing out/a
fails 73 envcrypt decrypt -f a.envc -o out
says 'out/a is a symbolic link'
absent missing
rm -r out; mkdir out

# The output directory itself may be a link: the user named it.
ln -s elsewhere named
envcrypt decrypt -q -R tree -o named
cmp a elsewhere/tree/sub/a; cmp a elsewhere/tree/b
rm -r elsewhere/*

# Next to the inputs no link is written through either.
ln -s ../outside tree/b
fails 73 envcrypt decrypt -f -R tree
says 'tree/b is a symbolic link'
[ "$(cat outside)" = kept ]; cmp a tree/sub/a
rm tree/b tree/sub/a

# A special file in the place of an output, and in the tree.
mkdir -p out/tree; mkfifo out/tree/b
fails 64 timeout 300 envcrypt decrypt -f -R tree -o out
says 'out/tree/b is not a regular file'
[ -p out/tree/b ]; cmp a out/tree/sub/a
rm -r out; mkdir out
mkfifo tree/fifo tree/fifo.envc
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket.envc")'
special=3
if mknod tree/device.envc c 1 5 2>/dev/null; then special=4; fi
ln -s ../a.envc tree/link.envc; ln -s . tree/loop
timeout 300 envcrypt decrypt -R tree -o out 2>stderr
says '2 files done'; says "$special special files"; says '2 symbolic links'
timeout 300 envcrypt verify -q -R tree
rm -r out; mkdir out

# Names that refer to the parent: the name of the tree itself, and the rest of a name without .envc.
mkdir -p below/out
(cd below && envcrypt decrypt -q -R .. -o out)
cmp a below/out/tree/b; cmp a below/out/a; absent below/tree below/a
mkdir dots; cp a.envc dots/..envc; cp a.envc dots/...envc; cp a.envc dots/.envc; cp a.envc dots/....envc
envcrypt decrypt -R dots -o out 2>stderr
says '1 file done'; says '3 other files'
cmp a out/dots/...
fails 64 envcrypt decrypt dots/...envc -o out
rm -r out; mkdir out

# Listed names: only the last component counts for the output.
mkdir -p deep/er; cp a.envc deep/b.envc
printf '%s\n' "$PWD/a.envc" deep/er/../b.envc ../../../../../../etc/hostname.envc > list
fails 66 envcrypt decrypt --files-from list -o out
says '1 failed'
[ "$(ls out)" = "$(printf 'a\nb')" ]
fails 73 envcrypt decrypt --files-from list -o out
rm -r out; mkdir out

# A tree that is deeper than the limit of open descriptors, with files on the way back up.
python3 - <<'P'
import os
os.mkdir('nested'); os.chdir('nested')
for _ in range(100):
    open('z', 'w').close(); os.mkdir('d'); os.chdir('d')
open('z', 'w').close()
P
(ulimit -n 80; envcrypt encrypt -R nested 2>stderr)
says '101 files done'
[ "$(find nested -name z.envc | wc -l)" = 101 ]

# The output directory inside the inputs is not an input.
mkdir -p work/out; echo 1 > work/one; echo kept > work/out/old
envcrypt encrypt -R work -o work/out 2>stderr
says '1 file done'; says 'skipped the output directory'
envcrypt encrypt -f -R work -o work/out 2>stderr
says '1 file done'
[ "$(find work | sort | tr '\n' ' ')" = 'work work/one work/out work/out/old work/out/work work/out/work/one.envc ' ]
mkdir same; echo 1 > same/one
envcrypt encrypt -q -R same -o same; envcrypt encrypt -q -f -R same -o same
[ "$(find same | sort | tr '\n' ' ')" = 'same same/one same/same same/same/one.envc ' ]
absent
