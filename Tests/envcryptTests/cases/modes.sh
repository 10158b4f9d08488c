# A named input passes its permission bits to the output, limited by the umask. The output of a pipe follows the umask.
random 10 > a; chmod 640 a
envcrypt encrypt a; [ "$(stat -c %a a.envc)" = 640 ]
chmod 600 a.envc; rm a
envcrypt decrypt a.envc; [ "$(stat -c %a a)" = 600 ]
(umask 027; cat a | envcrypt encrypt -o p.envc); [ "$(stat -c %a p.envc)" = 640 ]
# mode UMASK MODE RESULT: for a message from a network share, a web server or a memory stick.
mkdir out
mode() {
  chmod "$2" a.envc a
  (umask "$1"; envcrypt decrypt -q -f a.envc -o b; envcrypt decrypt -q -f a.envc -o out; envcrypt decrypt -q -f -o c < a.envc)
  [ "$(stat -c %a b out/a c | sort -u)" = "$3" ]
  (umask "$1"; envcrypt encrypt -q -f a -o d.envc; envcrypt encrypt -q -f a c -o out)
  [ "$(stat -c %a d.envc out/a.envc | sort -u)" = "$3" ]
}
mode 077 666 600; mode 022 666 644; mode 027 777 750; mode 002 664 664; mode 022 4755 755; mode 000 666 666
# A message that is replaced in place keeps its mode.
chmod 666 a.envc; (umask 077; envcrypt reencrypt -q --force a.envc -k alias/default); [ "$(stat -c %a a.envc)" = 666 ]

# A tree comes back with its modes, whatever the umask is: a private directory stays private.
mkdir -p tree/private/deep tree/open tree/shared tree/fixed/deep
chmod 700 tree; chmod 700 tree/private; chmod 755 tree/private/deep tree/open; chmod 2775 tree/shared
for directory in private private/deep open shared fixed fixed/deep; do echo diary > tree/$directory/file; chmod 644 tree/$directory/file; done
chmod 666 tree/open/file; chmod 4755 tree/shared/file; chmod 400 tree/fixed/file; chmod 500 tree/fixed/deep; chmod 555 tree/fixed
modes() { (cd "$1" && find . -type d -printf '%m %p\n' -o -printf '%m %p\n' | sed 's/\.envc$//; s/^[24]\([0-7][0-7][0-7]\) /\1 /' | sort -k 2); }
modes tree > wanted
for mask in 000 022 077 777; do
  rm -rf bk back; mkdir bk back
  (umask $mask; envcrypt encrypt -q -R tree -o bk; envcrypt decrypt -q -R bk/tree -o back)
  modes bk/tree | diff wanted -
  modes back/tree | diff wanted -
  diff -r tree back/tree
  # An existing directory keeps its mode. set-user-ID and set-group-ID are not restored.
  [ -z "$(find bk back -perm /6000)" ]
  chmod -R u+w bk back
done
chmod -R u+w tree
mkdir -p some/tree; chmod 711 some/tree; envcrypt encrypt -q -R tree -o some; [ "$(stat -c %a some/tree some/tree/private | tr '\n' ' ')" = '711 700 ' ]
