# decrypt --update leaves out messages whose plaintext is there, by time and size. So a restoration that was interrupted
# can be continued.
mkdir -p tree/sub out back
printf one >tree/a
head -c 200000 /dev/urandom >tree/sub/b
: >tree/empty
touch -d '2024-05-01 10:00:00.123456789' tree/a tree/sub/b tree/empty
envcrypt encrypt -q -R tree -o out
told() { grep -qF -- "$1" notes || { echo "not told: $1"; cat notes; return 1; }; }
restore() { envcrypt decrypt -R out/tree -o back --update "$@" 2>notes; }

restore
told '3 files done'
diff -r tree back/tree
nodes=$(find back -printf '%P %i\n' | sort)
restore
told '0 files done, 3 left as they are'
[ "$(find back -printf '%P %i\n' | sort)" = "$nodes" ]

# Missing files are decrypted.
rm back/tree/sub/b
restore
told '1 file done, 2 left as they are'
diff -r tree back/tree

# A file that differs may have been edited: it is only replaced with --force.
printf ONE >back/tree/a
fails 73 envcrypt decrypt -q -R out/tree -o back --update
says 'back/tree/a exists already'
[ "$(cat back/tree/a)" = ONE ]
restore --force
told '1 file done, 2 left as they are'
diff -r tree back/tree
printf longer >back/tree/a
touch -r tree/a back/tree/a
fails 73 envcrypt decrypt -q -R out/tree -o back --update
restore --force
diff -r tree back/tree

# A single message.
envcrypt decrypt -q out/tree/a.envc -o single --update
envcrypt decrypt -q out/tree/a.envc -o single --update
[ "$(stat -c %y single)" = "$(stat -c %y tree/a)" ]
fails 73 envcrypt decrypt -q out/tree/a.envc -o single
