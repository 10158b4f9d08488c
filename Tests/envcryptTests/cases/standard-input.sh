# Standard input has one reader: two lists, or a list and the data, are refused before anything is read.
echo a >a; envcrypt encrypt -q a; printf 'unread\n' >input
lists=(--files-from --exclude-from --include-from --recipients-file --recipient --keyring)

# refused WORD WORD COMMAND...: refused, and both words are named. Standard input is as it was.
refused() {
  local one=$1 other=$2; shift 2
  { fails 64 envcrypt "$@" || exit 1; cat >rest; } <input
  says "cannot both be standard input"; says "error: "; says "$one"; says "$other"; cmp rest input
}
for way in - /dev/stdin /dev/fd/0 /proc/self/fd/0 //dev/./stdin; do
  for one in "${lists[@]}"; do
    [ $one = --files-from ] || refused $one 'the input' encrypt $one $way
    refused $one 'the input' encrypt $one $way - a
    refused $one 'the input' encrypt $one - $way a
    refused $one --passphrase-fd encrypt $one $way --passphrase-fd 0 a
    refused $one --passphrase-file encrypt $one $way --passphrase-file /dev/stdin a
    for other in "${lists[@]}"; do
      [ $one = $other ] && [ $one = --files-from ] || refused $one $other encrypt $one - $other $way a
    done
  done
done
for command in decrypt verify reencrypt; do
  for one in --exclude-from --include-from --keyring; do
    refused $one 'the input' $command $one -
    refused $one --files-from $command $one - --files-from -
    refused $one --passphrase-fd $command $one - --passphrase-fd 0 a.envc
  done
done
absent unread.envc

# One reader is fine, and a passphrase may come before the data.
echo a | envcrypt encrypt -q -f --files-from -
mkdir tree; echo 1 >tree/one; echo 2 >tree/two
echo two | envcrypt encrypt -q -R tree -o out/ --exclude-from -; [ "$(ls out/tree)" = one.envc ]
envcrypt encrypt -q -R tree -o both/ --exclude-from <(echo two) --files-from <(echo a) 2>/dev/null; [ "$(ls both)" = "$(printf 'a.envc\ntree')" ]
(umask 077; echo 'correct horse' >pass); envcrypt init -q --keystore p.db --passphrase-file pass
cat pass a | envcrypt encrypt --keystore p.db --passphrase-fd 0 >b; cat pass b | envcrypt decrypt --keystore p.db --passphrase-fd 0 | cmp - a
