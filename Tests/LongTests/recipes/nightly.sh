# systemd does not run here: the script is run with a credential as systemd would pass it.
before() {
  needs systemd-analyze
}

after() {
  # The page's command succeeds if there are only warnings.
  systemd-analyze verify --recursive-errors=no etc/systemd/system/nightly.service etc/systemd/system/nightly.timer
  sed -n 's/^Environment=//p' etc/systemd/system/nightly.service >environment
  mkdir -m 700 credentials
  cp -p etc/envcrypt/passphrase credentials/passphrase
  env -i PATH="$PWD/usr/local/bin:/usr/bin:/bin" $(cat environment) CREDENTIALS_DIRECTORY="$PWD/credentials" \
    $(sed -n 's/^ExecStart=//p' etc/systemd/system/nightly.service)
  export $(cat environment)
  envcrypt decrypt --passphrase-file etc/envcrypt/passphrase -c purpose=nightly -o - mnt/backup/data-*.tar.envc |
    tar -x -C mnt/restored
  diff -r srv/data mnt/restored/data
}
