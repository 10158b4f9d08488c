# 2 GiB and a tree of thousands of files come back with equal hashes, and memory stays bounded.
set -euo pipefail
# The directory for temporary files may be small or in memory.
room=$((5 << 20))
has_room() { [ "$(df --output=avail -k "$1" | tail -n 1)" -gt $room ]; }
if ! has_room .; then
  if [ ! -w /var/tmp ] || ! has_room /var/tmp; then
    echo "SKIPPED: 5 GiB are wanted in $PWD or /var/tmp"
    [ -z "${CI-}" ]
    exit
  fi
  elsewhere=$(mktemp -d -p /var/tmp)
  trap 'rm -rf "$elsewhere"' EXIT
  cd "$elsewhere"
fi
envcrypt init -q --protector none
stream() { openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 2147483648 || true; }

wanted=$(stream | sha256sum)
# measured NAME ARGUMENTS...: runs envcrypt and writes its peak resident memory in KiB to NAME.
cat > measured.py <<'P'
import os, resource, subprocess, sys
# Each core takes some memory.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
status = subprocess.run(["envcrypt"] + sys.argv[2:]).returncode
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(status)
P
measured() { python3 measured.py "$@"; }
head -c 8388608 /dev/zero | measured small-encrypt encrypt > small.envc
measured small-decrypt decrypt < small.envc >/dev/null
stream | measured encrypt encrypt > big.envc
[ "$(cat big.envc | measured decrypt decrypt | sha256sum)" = "$wanted" ]
# The libraries of the debug build take most of the memory. 256 times the data may not take more. A sanitizer keeps
# freed memory.
for way in encrypt decrypt; do
  echo "$way: peak $(cat "small-$way") KiB for 8 MiB, $(cat "$way") KiB for 2 GiB"
  [ -n "${SANITIZER-}" ] || [ "$(cat "$way")" -lt $(($(cat "small-$way") + 4096)) ]
done
envcrypt decrypt -q big.envc -o big
[ "$(sha256sum < big)" = "$wanted" ]
rm big.envc
envcrypt encrypt -q big
envcrypt verify -q big.envc
rm big big.envc

# Copies without links, because only a mirror of the tree would need them.
mkdir tree out back
(cd /usr/share && find . -type f -readable -size -200k -print0 | sort -z | sed -zn 1,5000p) > list
(cd /usr/share && tar c --null -T -) < list | tar x -C tree
envcrypt encrypt -q -R tree -o out
envcrypt decrypt -q -R out/tree -o back
diff -r tree back/tree
[ "$(find back -type f | wc -l)" = "$(find tree -type f | wc -l)" ]
