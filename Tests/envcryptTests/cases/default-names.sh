# FILE becomes FILE.envc in the same directory, and back. A name without .envc does not determine the output.
mkdir d; random 1000 > d/a
envcrypt encrypt d/a
mv d/a original
envcrypt decrypt d/a.envc
cmp d/a original
cp d/a.envc d/other
fails 64 envcrypt decrypt d/other
says '-o FILE'
envcrypt decrypt d/other -o - | cmp - original
fails 66 envcrypt decrypt missing
fails 66 envcrypt encrypt missing
absent missing.envc
