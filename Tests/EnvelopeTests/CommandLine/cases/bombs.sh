# Inputs that claim more than they are: the answer is quick, in bounded memory.
python3 - <<'P'
from struct import pack
def block(b): return pack('>H', len(b)) + b
front = b'\x02\x04\x78' + bytes(32)
key = block(b'p' * 65535) + block(b'i' * 65535) + block(b'c' * 65535)
small = block(b'p') + block(b'i') + block(b'c')
end = lambda kind, length: kind + pack('>I', length) + bytes(32) + bytes(16)
def put(name, *parts): open(name, 'wb').write(b''.join(parts))
put('keys', front, block(b''), pack('>H', 65535), key * 24)
put('seventeen', front, block(b''), pack('>H', 17), small * 17, end(b'\x02', 16))
put('frame', front, block(b''), pack('>H', 1), small, end(b'\x02', 2**32 - 1), bytes(1 << 16))
put('whole', front, block(b''), pack('>H', 1), small, end(b'\x01', 0), bytes(12), pack('>Q', 64 << 30))
# As many pairs as 64 KiB hold, in the worst order.
pairs = [block(pack('>H', i).hex().encode()) + block(b'') for i in range(8190, 0, -1)]
put('context', front, block(pack('>H', len(pairs)) + b''.join(pairs)), pack('>H', 1), small, end(b'\x02', 16))
put('armor', b'-----BEGIN ENVCRYPT MESSAGE-----\n', (b'A' * 64 + b'\n') * 400000)
put('line', b'-----BEGIN ENVCRYPT MESSAGE-----\n', b'A' * (30 << 20))
put('deep.json', b'{"keys":' + b'[' * 2000000)
put('many.json', b'{"keys":[' + b'{},' * 1000000 + b'{}]}')
put('huge.json', b' ' * (5 << 20))
P
# bounded STATUS COMMAND...: within 30 seconds and 1 GiB of addresses, most of which are libraries; a sanitizer needs more.
addresses=1048576
[ -z "${SANITIZER-}" ] || addresses=unlimited
bounded() {
  local status=$1
  shift
  fails "$status" bash -c 'ulimit -v "$1"; shift; exec timeout 30 "$@"' - "$addresses" "$@"
}
for command in decrypt verify inspect; do
  for bomb in keys seventeen frame; do
    bounded 65 envcrypt "$command" $([ $command = decrypt ] && echo -o out) "$bomb"
  done
done
bounded 65 envcrypt verify keys; says '65535 encrypted data keys'
bounded 65 envcrypt verify seventeen; says 'at most 16 are read'
bounded 69 envcrypt verify --max-encrypted-data-keys 17 seventeen
bounded 65 envcrypt verify --max-encrypted-data-keys 65535 keys; says 'header'
bounded 69 envcrypt verify whole
bounded 69 envcrypt verify context
bounded 65 envcrypt verify armor
bounded 65 envcrypt verify line
for file in deep.json many.json huge.json; do bounded 78 envcrypt verify --keyring "$file" whole; done
deep=$(python3 -c 'print("[" * 60000)')
bounded 64 envcrypt kms create-key --cli-input-json "{\"Tags\":$deep"
bounded 64 envcrypt kms create-key --tags "$deep"
bounded 64 envcrypt kms create-key --tags "TagKey=$deep"
absent out
