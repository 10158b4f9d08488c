# FILE becomes FILE.envc beside it and back; a name without .envc tells no output.
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
