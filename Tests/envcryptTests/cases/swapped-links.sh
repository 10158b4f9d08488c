# Directories change places with symbolic links while trees are processed: nothing is written outside the output
# directory, and nothing is read from outside the tree.
mkdir -p tree/a/b/c tree/d swaps outside/b/c outside/d
for directory in tree/a tree/a/b tree/a/b/c tree/d; do
  for name in 1 2 3 4 5 6 7 8; do echo inside > "$directory/$name"; done
done
for name in 1 2 3 9 b/1 b/9 b/c/1 b/c/9 d/1; do echo secret > "outside/$name"; done
cp -r tree sealed
envcrypt encrypt -q -R sealed; envcrypt encrypt -q -R outside
find sealed -type f ! -name '*.envc' -delete
state() { find outside | sort; find outside -type f -exec cksum {} + | sort; }
state > before

# Repeatedly exchanges directories with links to the outside.
cat > swap.py <<'P'
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
pairs = []
for number, name in enumerate(sys.argv[1:]):
    link = os.path.join('swaps', str(number))
    os.symlink(os.path.abspath('outside'), link)
    pairs.append((name.encode(), link.encode()))
parent = os.getppid()
while not os.path.exists('stop') and os.getppid() == parent:
    for name, link in pairs:
        for _ in range(2):
            # AT_FDCWD, RENAME_EXCHANGE; a directory is missing while its parent is away.
            if libc.renameat2(-100, name, -100, link, 2) and ctypes.get_errno() != 2:
                sys.exit('renameat2: %d' % ctypes.get_errno())
            time.sleep(0.0003)
P
# swapping DIRECTORY... -- COMMAND...: runs the command for two seconds and at least twice, while the directories are
# exchanged. A run may fail.
swapping() {
  local directories=() end status runs=0 swapper
  while [ "$1" != -- ]; do directories+=("$1"); shift; done
  shift
  rm -rf swaps stop; mkdir swaps
  python3 swap.py "${directories[@]}" & swapper=$!
  end=$((SECONDS + 2))
  while [ $SECONDS -lt $end ] || [ $runs -lt 2 ]; do
    status=0
    "$@" 2>stderr || status=$?
    [ $status -lt 100 ] || { echo "status $status"; cat stderr; return 1; }
    runs=$((runs + 1))
  done
  touch stop; wait $swapper
  state | diff before -
}
# inside FILE TEXT: the text of the file must come from the tree.
inside() { [ "$2" = inside ] || { echo "from outside: $1"; return 1; }; }

mkdir out; envcrypt encrypt -q -R tree -o out
swapping out/tree/a out/tree/a/b tree/a tree/a/b tree/d -- envcrypt encrypt -q -f -R tree -o out
for file in $(find out -type f); do inside "$file" "$(envcrypt decrypt -q "$file" -o -)"; done
rm -r out; mkdir out; envcrypt decrypt -q -R sealed -o out
swapping out/sealed/a out/sealed/a/b sealed/a sealed/a/b sealed/d -- envcrypt decrypt -q -f -R sealed -o out
for file in $(find out -type f); do inside "$file" "$(cat "$file")"; done

# In place.
swapping sealed/a sealed/a/b sealed/d -- envcrypt reencrypt -q -R sealed -k alias/default
absent
