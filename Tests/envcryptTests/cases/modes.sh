# A named input passes its permission bits to the output, limited by the umask. The output of a pipe follows the umask.
random 10 > a; chmod 640 a
envcrypt encrypt a; [ "$(stat -c %a a.envc)" = 640 ]
chmod 600 a.envc; rm a
envcrypt decrypt a.envc; [ "$(stat -c %a a)" = 600 ]
(umask 027; cat a | envcrypt encrypt -o p.envc); [ "$(stat -c %a p.envc)" = 640 ]
# mode UMASK MODE RESULT: for a message from a network share, a web server or a memory stick.
mkdir out
mode() {
  chmod "$2" a.envc a; rm -rf b c d.envc out/*
  (umask "$1"; envcrypt decrypt -q -f a.envc -o b; envcrypt decrypt -q -f a.envc -o out; envcrypt decrypt -q -f -o c < a.envc)
  [ "$(stat -c %a b out/a c | sort -u)" = "$3" ]
  (umask "$1"; envcrypt encrypt -q -f a -o d.envc; envcrypt encrypt -q -f a c -o out)
  [ "$(stat -c %a d.envc out/a.envc | sort -u)" = "$3" ]
}
mode 077 666 600; mode 022 666 644; mode 027 777 750; mode 002 664 664; mode 022 4755 755; mode 000 666 666
# Somebody who made an output private wants it to stay private: a file that replaces it is not more open. In a tree, files
# have the modes of their sources, as with cp -a.
chmod 644 a a.envc
for mode in 600 640; do
  for file in b out/a c; do cp a kept; chmod $mode kept; mv -f kept $file; done
  envcrypt decrypt -q -f a.envc -o b; envcrypt decrypt -q -f a.envc -o out; envcrypt decrypt -q -f -o c < a.envc
  [ "$(stat -c %a b out/a c | sort -u)" = $mode ]
done
chmod 666 b; envcrypt decrypt -q -f a.envc -o b; [ "$(stat -c %a b)" = 644 ]
chmod 600 b; (umask 000; envcrypt encrypt -q -f < a -o b); [ "$(stat -c %a b)" = 600 ]
mkdir one; cp -p a one; envcrypt encrypt -q -R one -o out; chmod 600 out/one/a.envc
envcrypt encrypt -q -f -R one -o out; [ "$(stat -c %a out/one/a.envc)" = 644 ]
rm -r out/one

# A message that is replaced in place keeps its mode.
chmod 666 a.envc; (umask 077; envcrypt reencrypt -q --force a.envc -k alias/default); [ "$(stat -c %a a.envc)" = 666 ]

# A user who cannot keep the owner or the group of a file gives nobody access that the old file did not give.
if can_be nobody; then
  openssl genrsa -out k.pem 2048 2>/dev/null; openssl rsa -in k.pem -pubout -out k.pub 2>/dev/null; chown nobody k.pem
  mkdir -m 777 theirs
  for modes in '705 700' '755 755' '744 744' '754 744' '604 600' '664 644' '645 644' '457 444' '547 544'; do
    mode=${modes% *}; rm -f theirs/*; envcrypt encrypt -q -r k.pub c -o theirs/m; chgrp bin theirs/m; chmod $mode theirs/m
    rm -f theirs/old; cp theirs/m theirs/old
    setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups \
      envcrypt reencrypt -q --force --keystore none.db --keyring k.pem -r k.pub theirs/m
    ! cmp -s theirs/m theirs/old || exit 1
    [ "$(stat -c '%U %a' theirs/m)" = "nobody ${modes#* }" ]
  done
  # The same in a tree.
  mkdir -m 755 of-root; envcrypt encrypt -q -r k.pub c -o of-root/m.envc; chgrp "$(id -g nobody)" of-root/m.envc; chmod 745 of-root/m.envc
  setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups \
    envcrypt decrypt -q --keystore none.db --keyring k.pem -R of-root -o theirs
  [ "$(stat -c '%U %a' theirs/of-root/m)" = 'nobody 745' ]
  chgrp bin of-root/m.envc
  setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups \
    envcrypt decrypt -q -f --keystore none.db --keyring k.pem -R of-root -o theirs
  [ "$(stat -c '%U %a' theirs/of-root/m)" = 'nobody 744' ]
fi

# A tree comes back with its modes, whatever the umask is: a private directory stays private.
mkdir -p tree/private/deep tree/open tree/shared tree/fixed/deep; mkdir -m 1777 tree/drop
chmod 700 tree; chmod 700 tree/private; chmod 755 tree/private/deep tree/open; chmod 2775 tree/shared
for directory in private private/deep open shared drop fixed fixed/deep; do echo diary > tree/$directory/file; chmod 644 tree/$directory/file; done
chmod 666 tree/open/file; chmod 4755 tree/shared/file; chmod 400 tree/fixed/file; chmod 500 tree/fixed/deep; chmod 555 tree/fixed
modes() { (cd "$1" && find . -printf '%m %p\n' | sed 's/\.envc$//' | { [ "$(id -u)" = 0 ] && cat || sed 's/^4\(... \)/\1/'; } | sort -k 2); }
modes tree > wanted
for mask in 000 022 077 777; do
  rm -rf bk back; mkdir bk back
  (umask $mask; envcrypt encrypt -q -R tree -o bk; envcrypt decrypt -q -R bk/tree -o back)
  modes bk/tree | diff wanted -
  modes back/tree | diff wanted -
  diff -r tree back/tree
  # Only root restores set-user-ID, together with the owner.
  [ "$(id -u)" = 0 ] || [ -z "$(find bk back -perm /4000)" ]
  chmod -R u+w bk back
done
chmod -R u+w tree
# A directory that exists gets the mode too.
mkdir -p some/tree; chmod 711 some/tree; envcrypt encrypt -q -R tree -o some; [ "$(stat -c %a some/tree some/tree/open | tr '\n' ' ')" = '700 755 ' ]
