# --exclude, --include and their files: the first pattern that matches decides, in the order of the command line.
mkdir -p src/sub/cache src/build; for n in src/a.c src/b.o src/sub/c.c src/sub/cache/d src/build/e.c src/sub/build; do random 100 > $n; done
ln -s a.c src/link.o; ln -s a.c src/keep; mkfifo src/pipe.o
list() { (cd "$1"; find . -mindepth 1 | LC_ALL=C sort | tr '\n' ' '); }
encrypt() { rm -rf out; envcrypt encrypt -R "$@" -o out/ 2>stderr; }
encrypt src/ --exclude '*.o' --exclude=build/; says '; skipped 4 excluded'
[ "$(list out)" = "./a.c.envc ./keep ./sub ./sub/build.envc ./sub/c.c.envc ./sub/cache ./sub/cache/d.envc " ]
# The order counts, across all four options.
encrypt src/ --include '*/' --include '*.c' --exclude '*'
[ "$(list out)" = "./a.c.envc ./build ./build/e.c.envc ./sub ./sub/c.c.envc ./sub/cache " ]
encrypt src/ --include '*/' --exclude '*' --include '*.c'; [ "$(list out)" = "./build ./sub ./sub/cache " ]
printf '# C only\n*.c\n' > c; printf '+ */\n\n- *\n' > rest
for options in '--include-from c --exclude-from rest' '--include *.c --exclude-from rest' \
  '--include-from=c --exclude-from=rest --include=*' '--exclude * --exclude ! --include-from c --exclude-from rest'; do
  set -f; encrypt src/ $options; set +f
  [ "$(list out)" = "./a.c.envc ./build ./build/e.c.envc ./sub ./sub/c.c.envc ./sub/cache " ]
done
encrypt src/ --exclude-from rest --include-from c; [ "$(list out)" = "./build ./sub ./sub/cache " ]
envcrypt encrypt -R src/ --exclude-from - -o fromstdin < rest; [ "$(list fromstdin)" = "./build ./sub ./sub/cache " ]
encrypt src/ --exclude '- /sub/' --exclude '+ b.o' --exclude='*.o'
[ "$(list out)" = "./a.c.envc ./b.o.envc ./build ./build/e.c.envc ./keep " ]

# The root of the transfer: with a slash at the end, what is in the directory; without, the directory too.
encrypt src --exclude /src/sub/; [ -f out/src/b.o.envc ]; absent out/src/sub
encrypt src --exclude /sub; [ -d out/src/sub ]
encrypt src/ --exclude /sub; absent out/sub
encrypt "$PWD/./src" --exclude sub/cache; [ -f out/src/sub/c.c.envc ]; absent out/src/sub/cache
encrypt src --exclude src; says 'no files to encrypt: all are excluded'; absent out
encrypt src/a.c src/b.o c --exclude '*.o' --exclude /c; [ "$(list out)" = './a.c.envc ' ]; says 'skipped 2 excluded'

# Beside the inputs, and with messages: the patterns see the names of the plaintexts, so the same rules do for all.
envcrypt encrypt -R src --exclude '*.o' --exclude /src/build/ --exclude-from /dev/null
[ "$(find src -name '*.envc' | LC_ALL=C sort | tr '\n' ' ')" = \
  "src/a.c.envc src/sub/build.envc src/sub/c.c.envc src/sub/cache/d.envc " ]
[ "$(envcrypt verify -R src --exclude c.c --exclude cache/)" = $'src/a.c.envc: OK\nsrc/sub/build.envc: OK' ]
[ "$(envcrypt verify src/a.c.envc src/sub/c.c.envc --exclude c.c)" = 'src/a.c.envc: OK' ]
envcrypt decrypt -R src/ --include a.c --include '*/' --exclude '*' -o back
[ "$(list back)" = "./a.c ./build ./sub ./sub/cache " ]

envcrypt reencrypt -R -f src --exclude sub 2>stderr; says '1 file done'; says 'excluded'
fails 66 envcrypt verify -R src --exclude '*.*' --exclude src; says 'no messages to verify but those excluded'
fails 66 envcrypt decrypt src/a.c.envc --exclude a.c -o nothing; absent nothing

# An excluded directory is not entered, and what it hides is not missed.
mkdir closed src/closed; random 10 > closed/x; chmod 0 src/closed
encrypt src/ --exclude closed --exclude '*.o'; says 'excluded'
chmod 755 src/closed

# Names are bytes; a pattern is any text, also one that begins with a dash.
odd=$'\xff\n-x'; random 10 > "src/$odd"; random 10 > src/-x
encrypt src/ --exclude "$odd" --exclude -x; absent "out/$odd.envc" out/-x.envc
encrypt src/ --exclude $'[\xf0-\xff]?-x'; absent "out/$odd.envc"; [ -f out/-x.envc ]
fails 64 envcrypt encrypt -R src --exclude ''; says 'empty pattern'
fails 64 envcrypt encrypt -R src --exclude '- '; says 'empty pattern'
fails 66 envcrypt encrypt -R src --exclude-from missing; says 'missing'

# A link that is named as an excluded file's message is not in its way.
mkdir rival; random 10 > rival/a; ln -s b rival/a.envc; encrypt rival --exclude a; [ "$(list out/rival)" = './a.envc ' ]

# A malformed pattern matches nothing, as with rsync, and a warning says so, with its file and line.
mkdir bad; for name in '[a' a 'b\' ok; do echo x >"bad/$name"; done; rm -rf taken
printf '# rules\n\n[a\r\n*.o\n[[:nope:]]\n- [z\nok\n' >rules
envcrypt encrypt -R bad -o taken/ --exclude '[a' --include '*\' --exclude-from rules 2>stderr
says "warning: the pattern '[a' matches nothing, because it is malformed"
says "warning: the pattern '*\\' matches nothing"
says "warning: rules, line 3: the pattern '[a' matches nothing"
says "warning: rules, line 5: the pattern '[[:nope:]]' matches nothing"
says "warning: rules, line 6: the pattern '[z' matches nothing"
[ "$(grep -c warning: stderr)" = 5 ]; [ "$(ls taken/bad | tr '\n' ' ')" = '[a.envc a.envc b\.envc ' ]
envcrypt encrypt -q -R bad -o more/ --exclude 'b\' --exclude '[]a]' --exclude '[[:alpha:]]k' 2>stderr; [ ! -s stderr ]
[ "$(ls more/bad)" = '[a.envc' ]
fails 64 envcrypt encrypt -R bad -o more/ --exclude ''; says "is an empty pattern"
