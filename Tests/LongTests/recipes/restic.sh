before() { needs restic openssl; }

after() {
  diff -r srv/data "mnt/restored$PWD/srv/data"
  # The password is needed, and it is not in the clear anywhere.
  # Newer versions have a status of their own for it.
  ! RESTIC_PASSWORD_COMMAND='echo wrong' restic snapshots >refused 2>&1 || return 1
  grep -qF 'wrong password or no key found' refused
  envcrypt decrypt -o password etc/envcrypt/restic.envc
  fails 1 grep -rqF -f password --exclude=password .
}
