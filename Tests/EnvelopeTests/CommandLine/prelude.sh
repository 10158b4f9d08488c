# Helpers of the command-line cases. Each case starts in an empty directory, with a keystore of its
# own that needs no passphrase.

ulimit -c 0
envcrypt init -q --protector none

# fails STATUS COMMAND...: the command must end with that status; its messages are kept in ./stderr.
fails() {
  local wanted=$1 status=0
  shift
  "$@" 2>stderr || status=$?
  [ "$status" = "$wanted" ] || { echo "status $status, wanted $wanted"; cat stderr; return 1; }
}

# says TEXT: the last failure's messages contain the text.
says() { grep -qF -- "$1" stderr || { echo "not said: $1"; cat stderr; return 1; }; }

# absent FILE...: no such files, and no leftovers of ours either.
absent() {
  local file
  for file; do [ ! -e "$file" ] || { echo "exists: $file"; return 1; }; done
  [ -z "$(find . -name '.envcrypt-*')" ]
}

# random BYTES: that many bytes that do not compress.
random() { head -c "$1" /dev/urandom; }

# json EXPRESSION: evaluates a Python expression over the JSON on standard input as j.
json() { python3 -c 'import json,sys; j=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# matches GREP-ARGUMENTS: like grep -q, but reads to the end, so that nobody dies of a closed pipe.
matches() { grep "$@" >/dev/null; }
