# Each file of a run has its own record, even on a busy machine and however the run ends.
store=$XDG_DATA_HOME/envcrypt/keystore.db; log=$store-audit
mkdir plain
for number in $(seq 60); do echo "$number" > "plain/$number"; done
# count OPERATION: prints the number of successful records of the operation.
count() { envcrypt keystore audit --operation "$1" | grep -c ' ok$' || true; }

# Two busy processes, so that threads are interrupted at unusual points.
busy() { while [ -d plain ] && [ ! -e quiet ]; do :; done; }
busy & busy &
for round in 1 2 3; do
  rm -rf sealed opened; mkdir sealed opened
  envcrypt encrypt -q -R plain -o sealed
  [ "$(count GenerateDataKey)" = $((60 * round)) ]
  envcrypt verify -q -R sealed
  [ "$(count Decrypt)" = $((120 * round - 60)) ]
  envcrypt decrypt -q -R sealed -o opened
  [ "$(count Decrypt)" = $((120 * round)) ]
done
touch quiet; wait
envcrypt keystore check
rm -rf opened plain/*
envcrypt keystore audit --prune-before 2999-01-01 2>/dev/null

# A run that is stopped by a signal: everything that it wrote is in the log. The last input is a pipe that never ends.
mkfifo endless.envc; exec 9<>endless.envc
find sealed -name '*.envc' > list; echo endless.envc >> list
for signal in INT TERM HUP QUIT USR1 XCPU; do
  rm -rf opened; mkdir opened
  python3 - "$signal" <<'P'
import os, signal, subprocess, sys, time
number = getattr(signal, "SIG" + sys.argv[1])
def listen():
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
child = subprocess.Popen(["envcrypt", "decrypt", "--files-from", "list", "-o", "opened"], preexec_fn=listen)
deadline = time.monotonic() + 60
while sum(len(files) for _, _, files in os.walk("opened")) < 60:
    assert child.poll() is None and time.monotonic() < deadline
    time.sleep(0.001)
child.send_signal(number)
assert child.wait(timeout=60) == -number, child.returncode
P
  [ "$(count Decrypt)" = 60 ]
  absent
  envcrypt keystore audit --prune-before 2999-01-01 2>/dev/null
done
# A signal that the caller ignores is ignored, as with nohup.
python3 - <<'P'
import os, signal, subprocess
child = subprocess.Popen(
    ["envcrypt", "verify", "-q", "--files-from", "list"],
    preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
child.send_signal(signal.SIGHUP)
os.write(os.open("endless.envc", os.O_RDWR), b"no message" * 1000)
assert child.wait(timeout=60) == 65, child.returncode
P
exec 9>&-

# A reader of the report that closes the pipe, and an output without space.
envcrypt keystore audit --prune-before 2999-01-01 2>/dev/null
set +e
envcrypt verify -R sealed 2>stderr | head -n 1 > line
status=${PIPESTATUS[0]}
set -e
[ "$status" = 141 ] || [ "$status" = 0 ]; [ ! -s stderr ]; grep -q OK line
[ "$(count Decrypt)" -ge 1 ]
envcrypt keystore audit --prune-before 2999-01-01 2>/dev/null
fails 74 envcrypt verify -R sealed > /dev/full; says 'cannot write standard output'
[ "$(count Decrypt)" -ge 1 ]
# Files that fail among files that succeed.
envcrypt keystore audit --prune-before 2999-01-01 2>/dev/null
echo damaged > sealed/plain/damaged.envc
fails 65 envcrypt verify -q -R sealed
[ "$(count Decrypt)" = 60 ]
