# encrypt --delete removes the messages whose files are gone, and nothing else.
mkdir -p tree/sub/deep tree/empty out
echo a >tree/a; echo b >tree/sub/b; echo c >tree/sub/deep/c
ln -s a tree/link
run() { envcrypt encrypt -R tree -o out --update "$@" 2>notes; }
told() { grep -qF -- "$1" notes || { echo "not told: $1"; cat notes; return 1; }; }
listed() { find out -mindepth 1 -printf '%P\n' | sort; }
run
all=$(listed)

# Nothing is gone.
run --delete
[ "$(listed)" = "$all" ]

# Without --delete, messages stay.
rm -r tree/sub/deep tree/link tree/empty
run
[ "$(listed)" = "$all" ]

# A dry run only says what would be removed.
[ "$(envcrypt encrypt -q -R tree -o out --update --delete -n)" = "$(printf 'delete %s\n' out/tree/empty out/tree/link out/tree/sub/deep out/tree/sub/deep/c.envc)" ]
[ "$(listed)" = "$all" ]

# More than --max-delete: none.
fails 77 envcrypt encrypt -q -R tree -o out --update --delete --max-delete 3
says '1 message, 1 symbolic link, 2 directories would be deleted'
[ "$(listed)" = "$all" ]
echo new >tree/new
fails 77 envcrypt encrypt -q -R tree -o out --update --delete --max-delete 0
[ -f out/tree/new.envc ]
rm tree/new

# Without a terminal it goes ahead.
run --delete --max-delete 5
told 'deleted'
[ "$(listed)" = "$(printf '%s\n' tree tree/a.envc tree/sub tree/sub/b.envc)" ]

# On a terminal it asks, even with -q.
rm tree/sub/b
on_terminal n envcrypt encrypt -q -R tree -o out --update --delete >answer && exit 1 || [ $? = 77 ]
grep -qF '1 message' answer
[ -f out/tree/sub/b.envc ]
on_terminal y envcrypt encrypt -q -R tree -o out --update --delete >answer
[ ! -e out/tree/sub/b.envc ]
[ -d out/tree/sub ]

# Files that no run has made stay: files that are not messages, and messages with other names.
mkdir out/tree/mine out/tree/sub/gone
echo text >out/tree/text.envc
echo text >out/tree/text
: >out/tree/mine/empty.envc
cp out/tree/a.envc out/tree/mine/message
cp out/tree/a.envc out/tree/mine/.envc
cp out/tree/a.envc out/tree/gone.envc
cp out/tree/a.envc out/beside.envc
head -c 100 out/tree/a.envc >out/tree/cut.envc
run --delete
told '6 '
[ "$(listed)" = "$(printf '%s\n' beside.envc tree tree/a.envc tree/cut.envc tree/mine tree/mine/.envc tree/mine/empty.envc tree/mine/message tree/sub tree/text tree/text.envc | sort)" ]
rm -r out/tree/mine out/tree/text* out/tree/cut.envc out/beside.envc

# A directory in the place of a file, and a file in the place of a directory.
rm tree/a; mkdir tree/a; echo x >tree/a/x
rmdir tree/sub; echo y >tree/sub
run --delete
[ "$(listed)" = "$(printf '%s\n' tree tree/a tree/a/x.envc tree/sub.envc)" ]

# Messages of excluded files stay, even if the files are gone.
mkdir tree/a/skipped; echo 1 >tree/a/x.tmp; echo 2 >tree/a/skipped/y
run
rm -r tree/a/x.tmp tree/a/skipped
run --delete --exclude '*.tmp' --exclude skipped/
[ -f out/tree/a/x.tmp.envc ]; [ -f out/tree/a/skipped/y.envc ]
run --delete
[ "$(listed)" = "$(printf '%s\n' tree tree/a tree/a/x.envc tree/sub.envc)" ]

# As with rsync, what a rule excludes stays, even if its source is gone: files, links, directories, and what is in them.
mkdir -p ex/keep/cut/deep ex/gone/cut ex/all exout
for f in stays x.tmp keep/x.tmp keep/y keep/cut/z keep/cut/deep/z gone/x.tmp gone/y gone/cut/z all/x.tmp all/y; do echo $f >ex/$f; done
ln -s stays ex/l.tmp; ln -s stays ex/l; ln -s stays ex/keep/cut/l
kept() { (cd exout/ex; find . -mindepth 1 -printf '%P\n' | sed 's/\.envc$//' | sort | tr '\n' ' '); }
envcrypt encrypt -q -R ex -o exout
rm -r ex/x.tmp ex/l.tmp ex/l ex/keep ex/gone ex/all/x.tmp ex/all/y
for round in 1 2; do
  envcrypt encrypt -q -R ex -o exout --update --delete --exclude '*.tmp' --exclude /ex/keep/cut/ --exclude gone/cut/
  [ "$(kept)" = 'all all/x.tmp gone gone/cut gone/cut/z gone/x.tmp keep keep/cut keep/cut/deep keep/cut/deep/z keep/cut/l keep/cut/z keep/x.tmp l.tmp stays x.tmp ' ]
done
# A pattern for directories does not protect a file, and a name that is included again is not protected.
envcrypt encrypt -q -R ex -o exout --update --delete --include /ex/x.tmp --exclude '*.tmp' --exclude 'z/' --exclude l
[ "$(kept)" = 'all all/x.tmp gone gone/x.tmp keep keep/cut keep/cut/l keep/x.tmp l.tmp stays ' ]
envcrypt encrypt -q -R ex -o exout --update --delete; [ "$(kept)" = 'all stays ' ]

# What is in a cache that is left out stays too.
mkdir -p ex/cache/sub; echo 1 >ex/cache/sub/a; echo 2 >ex/cache/b; envcrypt encrypt -q -R ex -o exout --update
printf 'Signature: 8a477f597d28d172789f06886806bc55\n' >ex/cache/CACHEDIR.TAG; rm -r ex/cache/sub ex/cache/b
envcrypt encrypt -q -R ex -o exout --update --delete --exclude-caches
[ "$(kept)" = 'all cache cache/CACHEDIR.TAG cache/b cache/sub cache/sub/a stays ' ]
envcrypt encrypt -q -R ex -o exout --update --delete; [ "$(kept)" = 'all cache cache/CACHEDIR.TAG stays ' ]

# And so does what is below a mount point, which -x leaves out.
if unshare --mount true 2>/dev/null; then
  echo 3 >ex/all/y; envcrypt encrypt -q -R ex -o exout --update
  unshare --mount bash -euo pipefail -c '
    mount -t tmpfs none ex/all 2>/dev/null || { echo "SKIPPED: nothing can be mounted here"; exit 0; }
    envcrypt encrypt -q -R ex -o exout --update --delete -x; [ -f exout/ex/all/y.envc ]
    envcrypt encrypt -q -R ex -o exout --update --delete; [ ! -e exout/ex/all/y.envc ]'
fi

# Links are removed, and never followed.
mkdir elsewhere; cp out/tree/sub.envc elsewhere/other.envc
ln -s "$PWD/elsewhere" out/tree/way
ln -s "$PWD/elsewhere/other.envc" out/tree/other.envc
run --delete
[ -f elsewhere/other.envc ]
[ ! -L out/tree/way ]
[ ! -L out/tree/other.envc ]

# An empty or missing source deletes nothing: is it mounted?
mkdir nothing; mv tree away
fails 66 envcrypt encrypt -q -R tree -o out --update --delete
mkdir tree
run --delete
told 'nothing was deleted'
told 'mounted'
mkdir tree/only-a-directory
run --delete
told 'nothing was deleted'
[ -f out/tree/sub.envc ]
rm -r tree; mv away tree

# If a file has failed, nothing is deleted: it may have had another name before, and the old message is all there is.
rm -rf tree out; mkdir -p tree out; echo 1 >tree/short; echo 2 >tree/gone; run
long=$(printf 'n%.0s' {1..252}); mv tree/short "tree/$long"; rm tree/gone
fails 73 envcrypt encrypt -R tree -o out --update --delete
says 'take a shorter --suffix'; says 'nothing was deleted: not all files have a new message'
[ "$(listed)" = "$(printf '%s\n' tree tree/gone.envc tree/short.envc)" ]
fails 73 envcrypt encrypt -R tree -o out --update --delete -n; says 'take a shorter --suffix'
rm "tree/$long"; echo 3 >tree/next
if [ "$(id -u)" != 0 ]; then
  chmod 0 tree/next; fails 66 envcrypt encrypt -q -R tree -o out --update --delete; [ -f out/tree/gone.envc ]; chmod 600 tree/next
fi
run --delete
[ "$(listed)" = "$(printf '%s\n' tree tree/next.envc)" ]

# A directory that has become a link, and a link that has become a directory, in one run.
mkdir -p tree/d/deep tree/e; echo d >tree/d/deep/f; echo e >tree/e/f; ln -s e tree/l; run
rm -r tree/d tree/l; ln -s e tree/d; mkdir tree/l; echo l >tree/l/f
run --delete; told '2 files done' || told '1 file done'
[ "$(readlink out/tree/d)" = e ]; [ "$(envcrypt decrypt out/tree/l/f.envc -o -)" = l ]
run --delete; told '0 files done'
# A further name of a file can be obstructed, too.
rm -r tree/l; ln -s e tree/l; run --delete; rm tree/l; mkdir tree/l; ln tree/e/f tree/l/f
run --delete; [ "$(stat -c %h out/tree/l/f.envc out/tree/e/f.envc)" = "$(printf '2\n2')" ]; rm -r tree/l; run --delete
# Without --delete, what is in the way stays, and it is a failure.
rm -r tree/d; mkdir tree/d; echo d >tree/d/f
fails 73 envcrypt encrypt -q -R tree -o out --update; says 'out/tree/d is a symbolic link'
# Nor is it removed if that would be too much.
fails 73 envcrypt encrypt -q -R tree -o out --update --delete --max-delete 0 || fails 77 envcrypt encrypt -q -R tree -o out --update --delete --max-delete 0
[ -L out/tree/d ]; run --delete; [ -f out/tree/d/f.envc ]

# A file that has moved to the place of a link, and fails there, keeps its old message.
rm -rf tree out; mkdir -p tree/b out; random 300000 >tree/b/f; ln -s nowhere tree/a; run
rm tree/a; mkdir tree/a; mv tree/b/f tree/a/f; rmdir tree/b
(trap '' XFSZ; ulimit -f 100; fails 74 envcrypt encrypt -R tree -o out --update --delete; says 'nothing more was deleted')
envcrypt verify -q out/tree/b/f.envc; [ ! -e out/tree/a/f.envc ]
run --delete; [ "$(listed)" = "$(printf '%s\n' tree tree/a tree/a/f.envc)" ]
echo n >tree/next; mkdir -p tree/e; echo e >tree/e/f; run

# --json names what is deleted.
rm tree/next tree/e/f
envcrypt encrypt -q -R tree -o out --update --delete -n --json >report
[ "$(grep -c '"Kind":"deletion","Output":"out/tree/.*","Result":"wouldDelete"' report)" = 2 ]
[ "$(tail -n 1 report | json 'j["WouldDelete"], j["Deleted"]')" = '(2, 0)' ]
envcrypt encrypt -q -R tree -o out --update --delete --json >report
[ "$(grep -c '"Kind":"deletion","Output":"out/tree/.*","Result":"deleted"' report)" = 2 ]
[ "$(tail -n 1 report | json 'j["WouldDelete"], j["Deleted"]')" = '(0, 2)' ]

# A source in the place of its own outputs is not a mirror.
mkdir -p both/in/empty; echo 1 >both/in/a; ln -s a both/in/l
fails 64 envcrypt encrypt -R both/in/ -o both --update --delete; says '--delete would remove it'
[ -L both/in/l ]; [ -d both/in/empty ]

# It needs -R and another directory.
fails 64 envcrypt encrypt tree/sub -o out --delete
fails 64 envcrypt encrypt -R tree --delete
fails 64 envcrypt encrypt -R tree -o out --max-delete 3
fails 64 envcrypt encrypt -R tree -o out --delete --max-delete -1
fails 64 envcrypt encrypt -R tree/ elsewhere -o out --delete
fails 64 envcrypt encrypt -R tree elsewhere/../tree -o out --delete

# The summary in JSON has a failure of the run.
mkdir -p source out; echo 1 >source/a; echo 2 >source/b; envcrypt encrypt -q -R source -o out --update; rm source/a
fails 77 envcrypt encrypt -q -R source -o out --update --delete --max-delete 0 --json >report
[ "$(tail -n 1 report | json 'j["ExitStatus"], j["Error"]["Status"], "--max-delete 0" in j["Error"]["Message"]')" = '(77, 77, True)' ]

# A message that cannot be read is a failure, and stays. A read-only directory whose source is gone is emptied.
user() { "$@"; }
(
  rm -rf tree out; mkdir -p tree/fixed out; echo 1 >tree/a; echo 2 >tree/fixed/b; echo 3 >tree/c; chmod 500 tree/fixed
  envcrypt encrypt -q -R tree -o out --update; chmod 700 tree/fixed; rm -r tree/a tree/fixed; chmod 0 out/tree/a.envc
  if [ "$(id -u)" = 0 ]; then
    can_be nobody || exit 0
    user() { setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups "$@"; }
    chown -R nobody data tree out
  fi
  fails 66 user envcrypt encrypt -R tree -o out --update --delete; says 'cannot open out/tree/a.envc: permission denied'; says '2 deleted'
  [ -f out/tree/a.envc ]; [ ! -e out/tree/fixed ]
)
