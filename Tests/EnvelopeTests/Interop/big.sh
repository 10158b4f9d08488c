# 2 GiB and a tree of thousands of files round-trip with equal hashes; memory stays bounded.
set -euo pipefail
envcrypt init -q --protector none
stream() { openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 2147483648 || true; }

wanted=$(stream | sha256sum)
cat > measured.py <<'P'
import resource, subprocess, sys
status = subprocess.run(["envcrypt"] + sys.argv[1:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"{sys.argv[1]}: peak resident {peak} KiB", file=sys.stderr)
sys.exit(status or (1 if peak >= 32 * 1024 else 0))
P
stream | python3 measured.py encrypt > big.envc
[ "$(cat big.envc | python3 measured.py decrypt | sha256sum)" = "$wanted" ]
envcrypt decrypt -q big.envc -o big
[ "$(sha256sum < big)" = "$wanted" ]
rm big.envc
envcrypt encrypt -q big
envcrypt verify -q big.envc
rm big big.envc

# Copies lose what only the mirror of a tree would need: links.
mkdir tree out back
(cd /usr/share && find . -type f -size -200k -print0 | sort -z | head -z -n 5000) > list
(cd /usr/share && tar c --null -T -) < list | tar x -C tree
envcrypt encrypt -q -R tree -o out
envcrypt decrypt -q -R out/tree -o back
diff -r tree back/tree
[ "$(find back -type f | wc -l)" = "$(find tree -type f | wc -l)" ]
