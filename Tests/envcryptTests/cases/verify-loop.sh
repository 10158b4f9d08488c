# A loop that people write to verify their backups.
for n in 1 2 3; do random 1000 > b$n; done
envcrypt encrypt b1 b2 b3
flip b2.envc 400
bad=
for f in *.envc; do envcrypt verify -q "$f" 2>/dev/null || bad="$bad $f"; done
[ "$bad" = ' b2.envc' ]
