# Trees on file systems that have no room, cannot be written, or cannot keep everything: what is lost is warned of once,
# the status is right, nothing is there in part, and the next run does what is left.
if [ "$(id -u)" != 0 ]; then echo 'SKIPPED: only root can mount file systems'; exit 0; fi
PATH=$PATH:/usr/sbin:/sbin
mkdir disk
trap 'umount disk 2>/dev/null || true' EXIT
# mounts ARGUMENTS...: mounts a file system at disk. False, and says so, if this is not possible here.
mounts() {
  umount disk 2>/dev/null || true
  mount "$@" disk 2>reason || { echo "SKIPPED: mount $*: $(cat reason)"; return 1; }
}
# run STATUS COMMAND...
run() { fails "$1" envcrypt "${@:2}"; }
count() { [ "$(grep -c -- "$1" stderr)" = "$2" ] || { cat stderr; return 1; }; }
# whole: the messages on the disk are whole, and there are no others.
whole() { envcrypt verify -q -R disk; [ -z "$(find disk -name '.envcrypt-*')" ]; }
# same: the disk has the whole tree.
mkdir back
same() { rm -rf back/*; envcrypt decrypt -q --xattrs -R disk/tree -o back; diff -r --no-dereference tree back/tree; }

mkdir -p tree/sub tree/empty
for n in 1 2 3 4 5 6 7 8; do random 100000 >tree/sub/$n; done
ln -s 1 tree/sub/link
ln tree/sub/1 tree/name
touch -h -d '2024-05-01 10:00:00.123456789' tree/sub/* tree/name

# No room for all: some messages are there, whole. With more room, the next run makes the others only.
if mounts -t tmpfs -o size=450k none; then
  run 74 encrypt -R tree -o disk --update
  says 'no space left on device'
  says 'hint: free some space'
  whole
  made=$(find disk -name '*.envc' | wc -l)
  [ "$made" -ge 1 ] && [ "$made" -lt 9 ]
  mount -o remount,size=4m disk
  run 0 encrypt -R tree -o disk --update
  says "$((9 - made)) files done" || says "$((9 - made)) file done"
  says "$made left as they are" || says '1 left as it is'
  same
  # The same for a restoration.
  envcrypt encrypt -q -R tree -o kept/
  umount disk
  mount -t tmpfs -o size=450k none disk
  run 74 decrypt -R kept/tree -o disk --update
  says 'no space left on device'
  mount -o remount,size=4m disk
  run 0 decrypt -R kept/tree -o disk --update
  diff -r --no-dereference tree disk/tree
fi

# No more entries.
if mounts -t tmpfs -o nr_inodes=7 none; then
  run 73 encrypt -R tree -o disk --update
  says 'no space left on device'
  whole
  mount -o remount,nr_inodes=100 disk
  run 0 encrypt -R tree -o disk --update
  same

  # Read-only: a new message cannot be made, and an old one cannot be removed. What is there can be read.
  mount -o remount,ro disk
  run 0 encrypt -q -R tree -o disk --update
  same
  echo new >tree/new
  run 73 encrypt -R tree -o disk --update
  says 'error: cannot create disk/tree/new.envc: read-only file system'
  says '9 left as they are, 1 failed'
  rm tree/new
  mv tree/sub/8 kept/8
  run 77 encrypt -R tree -o disk --update --delete
  says 'disk/tree/sub/8.envc'
  says 'read-only file system'
  mv kept/8 tree/sub/8
  run 73 decrypt -R disk/tree
  says 'read-only file system'
  run 73 reencrypt -q -f -R disk
  same
fi

# No extended attributes: one warning for all, and everything else is kept.
if mounts -t ramfs none; then
  python3 -c 'import os
for name in "1", "2", "3": os.setxattr("tree/sub/" + name, "user.origin", b"camera")' ||
    echo 'SKIPPED: the file system has no extended attributes'
  run 0 encrypt --xattrs -R tree -o disk --update
  count 'warning: ' $(($(python3 -c 'import os; print(len(os.listxattr("tree/sub/1")))') > 0))
  same
  run 0 encrypt --xattrs -R tree -o disk --update
  says '0 files done'
fi

# Times of whole seconds, from 1901 to 2038: one warning, and still the next run knows what has not changed.
truncate -s 20M image
if ! mkfs.ext4 -q -F -I 128 image 2>/dev/null; then
  echo 'SKIPPED: there is no mkfs.ext4'
elif mounts -o loop image; then
  run 0 encrypt -R tree -o disk --update
  says 'warning: the modification time was not kept exactly, of disk/tree'
  count 'warning: ' 1
  same
  run 0 encrypt -R tree -o disk --update
  says '0 files done'
  says '9 left as they are'
  run 0 decrypt -R kept/tree -o disk/back --update
  count 'warning: ' 1
  run 0 decrypt -R kept/tree -o disk/back --update
  says '0 files done'
  # Two seconds later is another time: the times of some file systems, FAT for one, have such steps.
  touch -d '2024-05-01 10:00:02.2' tree/sub/2
  run 0 encrypt -R tree -o disk --update
  says '1 file done'
fi
