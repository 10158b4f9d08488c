# Three nights: all files, the changed ones, and deletions. The restored tree is compared by rsync.
before() {
  needs rsync
  PATH=$PWD/usr/local/bin:$PATH
  cd srv/data
  mkdir -p sub/deep empty private cache
  random 200000 >sub/large
  echo 1 >sub/deep/one
  echo 2 >private/two
  : >sub/nothing
  ln note sub/name
  ln -s ../note sub/link
  ln -s /nowhere dangling
  chmod 600 private/two
  chmod 500 private
  if [ "$(id -u)" = 0 ]; then chown -R 1234:5678 private; fi
  python3 -c 'import os; os.setxattr("sub/large", "user.origin", b"camera")' ||
    echo 'SKIPPED: the file system has no extended attributes'
  # These are left out.
  echo 'Signature: 8a477f597d28d172789f06886806bc55' >cache/CACHEDIR.TAG
  echo cached >cache/thumbnail
  echo half >sub/half.tmp
  find . -depth -exec touch -h -d '2024-05-01 10:00:00.123456789' {} +
  cd "$top"
}

# messages: the messages, and which files they are.
messages() { (cd mnt/backup/data && find . -name '*.envc' -printf '%P %i\n' | sort); }
# renewed BEFORE AFTER: the messages that are new.
renewed() { comm -13 "$1" "$2" | sed 's/ .*//' | tr '\n' ' '; }

before_restore() {
  # The dry run showed each file.
  [ "$(grep -c '^encrypt ' printed)" = 8 ]
  [ ! -e mnt/backup/data/cache/thumbnail.envc ]
  [ ! -e mnt/backup/data/sub/half.tmp.envc ]
  messages >first

  # The second night: a changed file and a new one.
  echo 'another note' >srv/data/private/two
  echo 3 >srv/data/three
  mirror
  messages >second
  [ "$(renewed first second)" = 'private/two.envc three.envc ' ]

  # The third night: deletions, and too many of them first.
  rm -r srv/data/sub/deep srv/data/sub/link srv/data/three srv/data/empty
  MOST=2 fails 77 mirror
  messages | cmp second -
  mirror
  messages >third
  [ "$(renewed second third)" = '' ]
  [ "$(comm -23 second third | sed 's/ .*//' | tr '\n' ' ')" = 'sub/deep/one.envc three.envc ' ]
  # Nothing is left to do.
  mirror
  messages | cmp third -

  # The disk with the data is not mounted.
  mv srv/data srv/away
  mkdir srv/data
  mirror
  messages | cmp third -
  rmdir srv/data
  mv srv/away srv/data
  # The mirror has its attributes again.
  mirror
}

after() {
  rsync -aHAXn --delete --itemize-changes --checksum --exclude thumbnail --exclude '*.tmp' \
    srv/data/ mnt/restored/data/ >changes
  cat changes
  [ ! -s changes ]
}
