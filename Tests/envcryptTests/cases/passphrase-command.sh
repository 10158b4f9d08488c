# ENVCRYPT_PASSPHRASE_COMMAND: the first line of its output is the passphrase. The command gets none of the data, and
# the tool does not wait for it forever.
umask 077
export ENVCRYPT_KEYSTORE=$PWD/p.db
echo 'correct horse' > right
envcrypt init -q --passphrase-file right
seq 1 100000 > input

# The command has nothing to read, and the data arrives complete.
export ENVCRYPT_PASSPHRASE_COMMAND='head -c 70000 > taken; cat right'
cat input | envcrypt encrypt > m; [ ! -s taken ]
cat m | envcrypt decrypt | cmp - input; [ ! -s taken ]
envcrypt encrypt < input > m; envcrypt decrypt < m | cmp - input
export ENVCRYPT_PASSPHRASE_COMMAND='readlink /proc/self/fd/0 > read; cat right'
envcrypt encrypt < input > m; [ "$(cat read)" = /dev/null ]

# Of the open descriptors the command inherits only standard error. No signals are blocked or ignored for it, and
# SIGPIPE ends it.
export ENVCRYPT_PASSPHRASE_COMMAND='echo /proc/self/fd/* >&2; grep -E "Sig(Blk|Ign)" /proc/self/status >&2; env >&2; cat right'
exec 9<input
envcrypt encrypt < input 2> seen > /dev/null
exec 9<&-
[ "$(head -n 1 seen | tr ' ' '\n' | grep -c '/[0-9]*$')" = 4 ]  # 0, 1, 2 and the descriptor of the directory
matches '^SigBlk:[[:space:]]0*$' seen
matches -x 'ENVCRYPT_PASSPHRASE_COMMAND=' seen; ! matches 'ENVCRYPT_PASSPHRASE_COMMAND=.' seen || exit 1
python3 - <<'P'
import re
ignored = int(re.search(r"SigIgn:\s*(\w+)", open("seen").read())[1], 16)
assert not ignored & 1 << 12, hex(ignored)
P

# The line may lack its end or have the line end of DOS. Output after the line is ignored.
opens() { ENVCRYPT_PASSPHRASE_COMMAND=$1 timeout 60 envcrypt decrypt m -o - 2>stderr | cmp - input; }
for command in "printf 'correct horse'" "printf 'correct horse\r\n'" 'cat right; seq 1 9' 'cat right; seq 1 20000' \
  'sleep 0.2; cat right' 'cat right; sleep 0.2; echo more' 'cat right; yes'; do
  opens "$command"
done
# A background process that keeps the pipe open does not delay anything.
for command in 'sleep 300 & echo $! > child; cat right' 'sleep 300 & echo $! > child; printf "correct horse"'; do
  opens "$command"; kill "$(cat child)"
done

# Failures are reported with a status, and the command does not keep running.
bad() { fails "$1" env ENVCRYPT_PASSPHRASE_COMMAND="$2" timeout 60 envcrypt decrypt m -o out; says "$3"; absent out; }
bad 77 'cat right; exit 3' 'ENVCRYPT_PASSPHRASE_COMMAND failed: exit status 3'
bad 77 'cat right; kill -9 $$' 'ENVCRYPT_PASSPHRASE_COMMAND was killed by signal 9'
bad 77 'no-such-command-here' 'failed: exit status 127'; says 'not found'
bad 77 'true' 'no passphrase given'
bad 77 'echo; cat right' 'no passphrase given'
bad 77 'echo wrong' 'wrong passphrase'
bad 64 'head -c 1024 /dev/zero' 'a passphrase must have fewer than 1024 bytes'
bad 64 'cat /dev/zero' 'a passphrase must have fewer than 1024 bytes'
bad 77 'cat right; echo $$ > child; exec sleep 300' 'did not end within 5 seconds after its first line'
! kill -0 "$(cat child)" 2>/dev/null || exit 1
bad 77 'while cat right; do sleep 1; done' 'did not end'
bad 77 'trap "" TERM; cat right; echo $$ > child; exec >&-; while :; do sleep 1; done' 'did not end'
! kill -0 "$(cat child)" 2>/dev/null || exit 1
# The caller may ignore SIGCHLD.
python3 - <<'P'
import os, signal, subprocess
environment = dict(os.environ, ENVCRYPT_PASSPHRASE_COMMAND="cat right; exit 3")
ignore = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)
done = subprocess.run(["envcrypt", "decrypt", "m", "-o", "out"], preexec_fn=ignore, env=environment, capture_output=True, timeout=60)
assert done.returncode == 77 and b"exit status 3" in done.stderr, done
environment["ENVCRYPT_PASSPHRASE_COMMAND"] = "cat right"
done = subprocess.run(["envcrypt", "decrypt", "m", "-o", "-"], preexec_fn=ignore, env=environment, capture_output=True, timeout=60)
assert done.returncode == 0 and done.stdout == open("input", "rb").read(), done.stderr
P
