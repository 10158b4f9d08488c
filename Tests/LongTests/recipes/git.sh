before() {
  needs git
  export GIT_CONFIG_GLOBAL=$PWD/gitconfig GIT_CONFIG_SYSTEM=/dev/null GIT_PAGER=cat
  git config --global user.name Ann
  git config --global user.email ann@example.org
  git init -q repository
  cd repository
  printf 'USER=ann\nPASSWORD=old canary\n' | envcrypt encrypt -o app.env.envc
  export EDITOR='sed -i s/old/new/'
}

after() {
  grep -qx -- '-PASSWORD=old canary' ../printed
  grep -qx -- '+PASSWORD=new canary' ../printed
  git -c diff.envcrypt.textconv= diff --no-textconv --stat | matches app.env.envc
  git log -p | matches -x '+PASSWORD=old canary'
  # The plaintext is not in the repository.
  git commit -q -a -m 'A new password'
  git gc -q
  git cat-file --batch-all-objects --batch >objects
  fails 1 grep -q canary objects
  rm objects
  fails 1 grep -rq canary .
}
