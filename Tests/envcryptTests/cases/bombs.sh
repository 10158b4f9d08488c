# Inputs with false claims: the tool answers quickly and in bounded memory.
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
# The most pairs that fit into 64 KiB, in the worst order.
pairs = [block(pack('>H', i).hex().encode()) + block(b'') for i in range(8190, 0, -1)]
put('context', front, block(pack('>H', len(pairs)) + b''.join(pairs)), pack('>H', 1), small, end(b'\x02', 16))
put('armor', b'-----BEGIN ENVCRYPT MESSAGE-----\n', (b'A' * 64 + b'\n') * 400000)
put('line', b'-----BEGIN ENVCRYPT MESSAGE-----\n', b'A' * (30 << 20))
put('begin', b'-----BEGIN ENVCRYPT MESSAGE', b'-' * (30 << 20))
put('begun', b'-----BEGIN ENVCRYPT MESSAGE-----', b' ' * (30 << 20))
put('headers', b'-----BEGIN ENVCRYPT MESSAGE-----\n' * 1000000)
put('pgp', b'-----BEGIN ENVCRYPT MESSAGE-----\n', b'Comment: x\n' * 3000000)
put('blank', b'\n' * (30 << 20))
put('blanks', b'-----BEGIN ENVCRYPT MESSAGE-----\n', b'\n' * (30 << 20))
put('deep.json', b'{"keys":' + b'[' * 2000000)
put('many.json', b'{"keys":[' + b'{},' * 1000000 + b'{}]}')
put('huge.json', b' ' * (5 << 20))
P
python3 - <<'P'
def put(name, text): open(name, 'w').write(text)
rows = lambda row: ''.join(row % (i, i, ', '.join(['*a%d' % (i - 1)] * 10)) for i in range(1, 60))
put('laughs.yaml', 'a0: &a0 [x]\n' + rows('a%d: &a%d [%s]\n'))
put('self.yaml', 'Resources: &a\n  Key: *a\n')
put('keys.yaml', '? &a [x, x]\n: 1\n? [*a, *a]\n: 2\n')
put('ten.yaml', 'Resources:\n' + '  K: x\n' * (10 << 17))
put('list.yaml', '[' * 100000)
put('map.yaml', '{a: ' * 100000)
put('dashes.yaml', '- ' * 100000 + 'x')
put('json.yaml', '{"a":' * 100000)
put('values.yaml', 'Resources: {k: {Type: "AWS::KMS::Key"}}\nMetadata: [' + 'x,' * 500000 + ']')
put('anchors.yaml', 'Resources: {k: {Type: "AWS::KMS::Key"}}\nMetadata:\n' + ''.join('- &a%d x\n' % i for i in range(80000)))
# The largest allowed number.
put('most.yaml', 'Resources: {k: {Type: "AWS::KMS::Key"}}\nMetadata:\n' + ''.join('- &a%d x\n' % i for i in range(49991)))
head = '{"Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringLike":{"kms:EncryptionContext:k":"'
like = lambda pattern: head + pattern + '"}}}}'
room = 32768 - len(like(''))
put('stars.json', like('*a' * (room // 2 - 1) + 'b'))
put('piece.json', like('*' + 'a' * (room - 5) + 'b*c'))
put('half.json', like('*' + 'a?' * 8000 + 'b*c'))
put('over.json', like('a' * (room + 1)))
put('nested.json', '{"Statement":' + '[' * 32000)
P
# bounded STATUS COMMAND...: within 30 seconds of processor time, 64 MiB of peak memory and 1 GiB of address space, most
# of which is libraries. A sanitizer needs more. Uses at most two cores, because each thread takes some memory.
bounded() {
  local status=$1
  shift
  fails "$status" python3 -c 'import os, resource, subprocess, sys
isBounded = not os.environ.get("SANITIZER")
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
if isBounded: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
status = subprocess.run(sys.argv[1:], timeout=600).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
if isBounded and usage.ru_maxrss > 64 << 10: sys.exit("%d KiB of memory" % usage.ru_maxrss)
if isBounded and usage.ru_utime + usage.ru_stime > 30: sys.exit("%d s" % usage.ru_utime)
sys.exit(status)' "$@"
}
for file in laughs self keys ten list map dashes json values anchors; do
  bounded 78 envcrypt template validate "$file.yaml"
done
bounded 78 envcrypt template validate laughs.yaml; says 'YAML aliases are not supported'
bounded 78 envcrypt template validate values.yaml; says 'values.yaml:2:'; says 'at most 50000 values'
bounded 0 envcrypt template validate most.yaml
context=$(printf '%065000d' 0 | tr 0 a)
for file in stars piece half; do
  bounded 77 envcrypt key policy simulate alias/default --policy "$file.json" --action kms:Encrypt -c "k=$context"
done
for file in over nested; do bounded 64 envcrypt key policy put alias/default "$file.json"; done
for command in decrypt verify inspect; do
  for bomb in keys seventeen frame; do
    bounded 65 envcrypt "$command" $([ $command = decrypt ] && echo -o out) "$bomb"
  done
done
bounded 65 envcrypt verify keys; says '65535 encrypted data keys'
bounded 65 envcrypt verify seventeen; says 'more than the limit of 16'
bounded 69 envcrypt verify --max-encrypted-data-keys 17 seventeen
bounded 65 envcrypt verify --max-encrypted-data-keys 65535 keys; says 'header'
bounded 69 envcrypt verify whole
bounded 69 envcrypt verify context
bounded 65 envcrypt verify armor
bounded 65 envcrypt verify line
# The same with input that does not end.
envcrypt encrypt -q -a -o armored huge.json
for stream in 'yes ""' 'yes "-----BEGIN ENVCRYPT MESSAGE-----"' 'cat armored; yes ""' \
  'echo "-----BEGIN ENVCRYPT MESSAGE-----"; yes " "'; do
  bounded 65 bash -c "{ $stream; } | envcrypt verify; exit \${PIPESTATUS[1]}"
done
for bomb in begin begun headers pgp blank blanks; do
  bounded 65 envcrypt verify "$bomb"
  bounded 65 envcrypt inspect "$bomb"
  bounded 65 envcrypt decrypt -o out "$bomb"
done
for file in deep.json many.json huge.json; do bounded 78 envcrypt verify --keyring "$file" whole; done
deep=$(python3 -c 'print("[" * 60000)')
bounded 64 envcrypt kms create-key --cli-input-json "{\"Tags\":$deep"
bounded 64 envcrypt kms create-key --tags "$deep"
bounded 64 envcrypt kms create-key --tags "TagKey=$deep"
bounded 64 envcrypt kms create-key --tags "TagKey=$(python3 -c 'print("{a=" * 30000)')"
says 'nested too deeply'
bounded 64 envcrypt kms create-key --tags "TagKey=$(python3 -c 'print("{a=[" * 20000)')"
absent out
