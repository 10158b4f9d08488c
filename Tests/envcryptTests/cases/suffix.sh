# --suffix: encrypt appends it, decrypt strips it, and trees know their messages by it.
mkdir tree; random 2000 > a; cp a tree/b; cp a tree/c.envc; non=$'\xff\n.e'
envcrypt encrypt --suffix .x a; [ -f a.x ]; absent a.envc
envcrypt decrypt --suffix .x a.x -f; envcrypt decrypt --suffix=.x a.x -o back; cmp a back
fails 64 envcrypt decrypt a.x; says 'does not end in .envc'
fails 64 envcrypt decrypt --suffix .y a.x; says 'does not end in .y'
envcrypt encrypt -R --suffix .x tree; [ "$(ls tree | tr '\n' ' ')" = 'b b.x c.envc c.envc.x ' ]
envcrypt encrypt -R -f --suffix .x tree; [ "$(ls tree | wc -l)" = 4 ]
[ "$(envcrypt verify -R --suffix .x tree)" = $'tree/b.x: OK\ntree/c.envc.x: OK' ]
fails 66 envcrypt verify -R --suffix .z tree; says 'names of messages end in .z'
envcrypt reencrypt -R -f --suffix .x tree; envcrypt decrypt -R --suffix .x tree -o out; cmp a out/tree/b; cmp a out/tree/c.envc
envcrypt encrypt --suffix ".$non" a; [ -f "a.$non" ]; envcrypt decrypt --suffix ".$non" "a.$non" -o - | cmp - a
for bad in '' . x ./x .x/ /; do
  fails 64 envcrypt encrypt --suffix "$bad" a; says '--suffix'
done
fails 64 envcrypt encrypt --suffix .a --suffix .b a; says 'more than once'

# A name that becomes too long is told, with the way out.
long=$(printf '%0251d' 0); cp a $long; fails 73 envcrypt encrypt $long
says 'file name too long'; says 'hint: rename the input, name another output with -o FILE, or take a shorter --suffix'
envcrypt encrypt --suffix .env $long; envcrypt decrypt --suffix .env $long.env -o - | cmp - a
mkdir deep; mv $long deep; cp a deep/z; fails 73 envcrypt encrypt -R deep -o all; says 'file name too long'; says '1 file done, 1 failed'
