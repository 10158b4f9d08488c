# --xattrs keeps extended attributes and ACLs of trees; of files that are named, extended attributes.
mkdir -p tree/sub out back; echo 1 > tree/file; echo 2 > tree/sub/plain; echo 3 > tree/fixed
# set NAME VALUE FILE, get NAME FILE: without the attr package.
set_attribute() { python3 -c 'import os,sys; os.setxattr(sys.argv[3], sys.argv[1], os.fsencode(sys.argv[2]))' "$@"; }
attributes() { (cd "$1" && python3 -c '
import os, sys
for directory, _, files in os.walk("."):
    for name in sorted(os.path.join(directory, f) for f in files + ["."]):
        for attribute in sorted(os.listxattr(name)):
            print(name.replace(".envc", ""), attribute, os.getxattr(name, attribute).hex())' | LC_ALL=C sort); }
if ! set_attribute user.probe x tree/file 2>/dev/null; then
  echo 'SKIPPED: the file system has no extended attributes'; exit 0
fi
set_attribute user.name 'value with é' tree/file; set_attribute user.empty '' tree/file
set_attribute user.large "$(printf '%3000s' x)" tree/sub; set_attribute user.on-fixed y tree/fixed; chmod 400 tree/fixed
if [ "$(id -u)" = 0 ]; then
  set_attribute trusted.t 1 tree/file
  python3 -c 'import os; os.setxattr("tree/sub/plain", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))'
fi
acl=; if command -v setfacl >/dev/null && setfacl -m u:12:rw tree/file 2>/dev/null; then
  acl=1; setfacl -m g:34:rx,m::rx tree/sub; setfacl -d -m u:56:rwx tree/sub
else
  echo 'SKIPPED: no setfacl, or no ACLs'
fi
attributes tree > wanted
touch -d '2001-02-03 04:05:06' tree/file tree/sub; chmod 751 tree

envcrypt encrypt -q --xattrs -R tree -o out; attributes out/tree | diff wanted -
envcrypt decrypt -q --xattrs -R out/tree -o back; attributes back/tree | diff wanted -
modes() { (cd "$1"; find . -printf '%p %m %T@\n' | sed 's/\.envc//' | LC_ALL=C sort); }
modes tree > modes; modes out/tree | diff modes -; modes back/tree | diff modes -
if [ -n "$acl" ] && command -v rsync >/dev/null; then
  rsync -aHAXn --itemize-changes --checksum tree/ back/tree/ > changes; [ ! -s changes ] || { cat changes; exit 1; }
fi
# Without the option nothing of this is kept. With it, what is there and not in the source goes away.
envcrypt decrypt -q -R out/tree -o plain; [ -z "$(attributes plain | grep -v ' system.posix')" ]
set_attribute user.other x back/tree/sub; envcrypt decrypt -q -f --xattrs -R out/tree -o back; attributes back/tree | diff wanted -
# A directory with a default ACL does not give it to outputs that have none.
if [ -n "$acl" ]; then
  mkdir granting; setfacl -d -m u:77:rwx granting; envcrypt decrypt -q --xattrs -R out/tree -o granting
  attributes granting/tree | diff wanted -; modes granting/tree | diff modes -
fi

# Files that are named: extended attributes, but mode and ACL follow the umask as ever.
envcrypt encrypt -q --xattrs tree/file -o named.envc; envcrypt decrypt -q --xattrs named.envc -o named
attributes . | grep '^./named user.name'; ! attributes . | grep '^./named .*posix_acl' || exit 1
envcrypt encrypt -q --xattrs tree/fixed -o fixed.envc; [ "$(stat -c %a fixed.envc)" = 400 ]; attributes . | grep '^./fixed user.on-fixed'
envcrypt encrypt -q --xattrs - < tree/file > stream.envc; envcrypt encrypt -q --xattrs tree/file -o - > stream.envc
envcrypt decrypt -q --xattrs stream.envc -o stream; cmp stream tree/file

# There is one warning if the file system cannot keep attributes.
if [ "$(id -u)" = 0 ] && mkdir small && mount -t ramfs none small 2>/dev/null; then
  envcrypt encrypt -q --xattrs -R tree -o small 2>stderr; envcrypt verify -q -R small; umount small
  says 'some extended attributes were not kept, of small/tree'; [ "$(grep -c 'extended attributes' stderr)" = 1 ]
else
  echo 'SKIPPED: no ramfs can be mounted'
fi
absent
