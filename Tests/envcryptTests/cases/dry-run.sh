# --dry-run prints what encrypt and decrypt would do. It needs no key and no passphrase, and changes nothing.
mkdir -p tree/sub
printf one >tree/a; printf two >tree/sub/b
line=$(printf 'tree/new\nline'); printf x >"$line"
state() { find . -mindepth 1 -path ./data -prune -o -printf '%P %i %T@ %C@\n' | sort; find data -type f -exec sha256sum {} +; }

envcrypt encrypt -q -R tree -o out
rm -r out/tree/sub
printf three >tree/a
before=$(state)
# A keystore that does not exist shows that none is used.
dry() { env -u HOME XDG_DATA_HOME=/nonexistent envcrypt "$@" --dry-run --keystore /nonexistent/keystore 2>notes; }

[ "$(dry encrypt -R tree -o out --update)" = "$(printf 'encrypt tree/a\nencrypt tree/sub/b')" ]
grep -qF '2 files to be done, 1 left as they are' notes
[ "$(dry encrypt -R tree -o other -k alias/no-such-key)" = "$(printf 'encrypt tree/a\nencrypt tree/new\\u{a}line\nencrypt tree/sub/b')" ]
[ ! -e other ]
[ "$(dry encrypt tree/a -o single.envc)" = 'encrypt tree/a' ]
[ "$(dry decrypt -R out/tree -o back)" = "$(printf 'decrypt out/tree/a.envc\ndecrypt out/tree/new\\u{a}line.envc')" ]
# Names as they are, for xargs -0. What --delete would remove is in JSON.
dry encrypt -R tree -o other --print0 | sort -z | cmp - <(printf '%s\0' tree/a "$line" tree/sub/b)
dry encrypt -R tree -o out --update --print0 | cmp - <(printf '%s\0' tree/a tree/sub/b)
dry decrypt -R out/tree -o back --print0 | cmp - <(printf '%s\0' out/tree/a.envc "out/$line.envc")
fails 64 envcrypt encrypt tree/a --print0; says '--print0 needs --dry-run'
fails 64 envcrypt decrypt out/tree/a.envc -n --print0 --json; says 'cannot be used together'
fails 64 envcrypt encrypt -R tree -o out --update --delete -n --print0; says '--json also lists'
# A pipe is not read.
[ "$(printf text | dry encrypt -o piped)" = 'encrypt -' ]
mkfifo pipe
[ "$(dry encrypt pipe)" = 'encrypt pipe' ]
rm pipe
[ -z "$(ls -A | grep -vxE 'data|tree|out|stderr|notes')" ]

# A dry run reports failures to come, with the same status.
fails 73 dry encrypt -R tree -o out >printed
fails 65 dry decrypt tree/a -o restored
fails 66 dry encrypt missing
[ ! -e restored ]
rm -f printed stderr notes
[ "$(state)" = "$before" ]
