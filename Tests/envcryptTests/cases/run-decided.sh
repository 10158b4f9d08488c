# A run over many files decides for each file: a change of the key or of the keystore applies to the next file. The
# second input of each run is a pipe, so that the run waits there.
key=$(envcrypt key create --alias alias/a)
echo text > f
envcrypt encrypt -q f -k alias/a -o m.envc

# during ACTION STATUS COMMAND...: runs ACTION as soon as the first output of the run exists ("first" or "first.envc"),
# and then writes to the pipe, which a run that refuses may not read to its end. The run must end with the status.
during() {
  local action=$1 wanted=$2 status=0
  shift 2
  rm -f first first.envc second second.envc other
  case $2 in
    decrypt) cp m.envc first.envc; mkfifo second.envc; set -- "$@" first.envc second.envc ;;
    encrypt) cp f first; mkfifo second; set -- "$@" first second ;;
  esac
  "$@" 2> stderr & local run=$!
  case $2 in
    decrypt) await test -s first; eval "$action"; cat m.envc > second.envc || : ;;
    encrypt) await test -s first.envc; eval "$action"; cat f > second || : ;;
  esac
  wait $run || status=$?
  [ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted"; cat stderr; return 1; }
}

during : 0 envcrypt decrypt
cmp first f; cmp second f

# Disabled, scheduled for deletion, or denied by its policy: the first file is written and the second is not.
during 'envcrypt key disable alias/a' 69 envcrypt decrypt
says "DisabledException: key $key is disabled"; cmp first f; absent second
envcrypt key enable alias/a
during 'envcrypt key disable alias/a' 69 envcrypt encrypt -k alias/a
says 'DisabledException'; envcrypt key enable alias/a; envcrypt decrypt first.envc -o - | cmp - f; absent second.envc
during 'envcrypt key schedule-deletion alias/a --days 7 < /dev/null > /dev/null' 69 envcrypt decrypt
says 'PendingDeletion'; cmp first f; absent second
envcrypt key cancel-deletion alias/a; envcrypt key enable alias/a
cat > deny.json <<X
{"Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"},
  {"Effect": "Deny", "Principal": "*", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}]}
X
during 'envcrypt key policy put alias/a deny.json' 77 envcrypt decrypt
says 'statement 2 of its policy denies it'; cmp first f; absent second
envcrypt key policy reset alias/a
during 'envcrypt key policy put alias/a deny.json' 77 envcrypt encrypt -k alias/a
says 'statement 2 of its policy denies it'; absent second.envc
envcrypt key policy reset alias/a

# Rotated: the next file is under the new version.
during 'envcrypt key rotate alias/a' 0 envcrypt encrypt -k alias/a
envcrypt inspect first.envc | matches "$key/1"; envcrypt inspect second.envc | matches "$key/2"
envcrypt decrypt second.envc -o - | cmp - f

# reencrypt without -k decides for each message too. alias/b opens the messages all the time.
envcrypt key create --alias alias/b > /dev/null
envcrypt encrypt -q f -k alias/a -k alias/b -o two.envc
# kept STARTED ACTION STATUS: the second of three messages comes from a pipe that is held until STARTED succeeds and
# ACTION is done.
kept() {
  local started=$1 action=$2 wanted=$3 status=0
  rm -f pipe; mkfifo pipe; cp two.envc first.envc; cp two.envc third.envc; exec 3<> pipe
  envcrypt reencrypt --force --jobs 1 first.envc - third.envc < pipe > second.envc 2> stderr 3>&- & local run=$!
  await eval "$started"; eval "$action"; cat two.envc >&3; exec 3>&-
  wait $run || status=$?
  [ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted"; cat stderr; return 1; }
}
first_is_done='! cmp -s two.envc first.envc'
kept "$first_is_done" : 0
! cmp -s two.envc third.envc || exit 1
for file in first second third; do envcrypt decrypt $file.envc -o - | cmp - f; done
kept "$first_is_done" 'envcrypt key disable alias/a' 69
says "third.envc: the message cannot keep its key envcrypt $key/2 (DisabledException: key $key is disabled"
cmp two.envc third.envc; [ ! -s second.envc ]
# The refusal ends with its reason.
kept 'grep -q first.envc stderr' 'envcrypt key enable alias/a' 69
says "first.envc: the message cannot keep its key envcrypt $key/2 (DisabledException"
cmp two.envc first.envc; ! cmp -s two.envc third.envc || exit 1
envcrypt inspect second.envc | matches "$key/2"
kept "$first_is_done" 'envcrypt key policy put alias/a deny.json' 77
says 'third.envc: '; says 'statement 2 of its policy denies it'; cmp two.envc third.envc; [ ! -s second.envc ]
envcrypt key policy reset alias/a
kept "$first_is_done" 'envcrypt key rotate alias/a' 0
envcrypt inspect first.envc | matches "$key/2"
for file in second third; do envcrypt inspect $file.envc | matches "$key/3"; done

# The keystore is replaced with a backup: the run does not continue with its open file. It looks at the name again
# after 10 ms at the earliest.
store=$XDG_DATA_HOME/envcrypt/keystore.db
envcrypt keystore backup copy.db
during 'mv copy.db "$store"; sleep 0.1' 78 envcrypt decrypt
says 'was moved, removed or replaced while it was in use'; cmp first f; absent second
envcrypt decrypt -q m.envc -o - | cmp - f
