# With any limit on memory a command ends with a status and leaves nothing half done.
umask 077
echo 'correct horse' > pass
envcrypt init -q --keystore p.db --passphrase-file pass
random 300000 > plain; envcrypt encrypt plain -o message
mkdir tree sealed gathered; for n in 1 2 3; do cp plain tree/$n; done; envcrypt encrypt -R tree -o sealed
python3 - > template.yaml <<'P'
print("Resources:")
for n in range(200):
    print(f"  Key{n}:\n    Type: AWS::KMS::Key\n    Properties:\n      Description: key {n}\n      KeyPolicy: {{Version: '2012-10-17',"
          " Statement: [{Effect: Allow, Principal: '*', Action: 'kms:*', Resource: '*'}]}")
P
cat > drive.py <<'P'
import hashlib, os, resource, shutil, signal, subprocess, sys

def run(arguments, limit, kind):
    """Returns status, messages and output; None if the kernel or the loader failed before the tool began."""
    def bound():
        resource.setrlimit(kind, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
    with open("plain", "rb") as source:
        done = subprocess.run([tool, *arguments], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=bound, env=environment, timeout=120)
    if done.returncode == 127 and b"envcrypt" not in done.stderr.split(b":")[0]:
        return None
    return done.returncode, done.stderr, done.stdout

def floor(kind):
    """Returns the smallest limit with which the tool starts."""
    low, high = 1 << 20, 8 << 30
    while high - low > 16 << 10:
        middle = (low + high) // 2
        found = run(["--version"], middle, kind)
        low, high = (low, middle) if found and found[0] in (0, 71) else (middle, high)
    return high

def files():
    found = {}
    for directory, _, names in os.walk("."):
        for name in names:
            path = os.path.join(directory, name)
            # The audit log may record the refusal. Hidden files remain as after a kill.
            if not name.endswith("-audit") and not name.endswith(".tmp") and "-journal" not in name:
                found[path] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    return found

def is_complete(path):
    """True if a new or changed file is a complete plaintext, message, keystore or escrow file."""
    for arguments in (["cmp", "-s", path, "plain"], [tool, "verify", "--keyring", "private.pem", path], ["python3", "-m", "json.tool", path],
                      [tool, "keystore", "check", "--keystore", path, "--passphrase-file", "pass"]):
        if subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return True
    return False

tool = shutil.which("envcrypt")
locked = ["--keystore", "p.db", "--passphrase-file", "pass"]
commands = [
    ["encrypt", "plain", "-o", "out"], ["encrypt", "plain", "-f", "-o", "message"], ["encrypt"], ["encrypt", "plain", "-o", "out", *locked],
    ["encrypt", "plain", "-r", "public.pem", "-o", "out"], ["encrypt", "-R", "tree", "-o", "gathered"],
    ["decrypt", "message", "-o", "out"], ["decrypt", "message", "-o", "-"], ["decrypt", "-R", "sealed", "-o", "gathered"],
    ["verify", "message"], ["inspect", "message"], ["reencrypt", "-R", "-k", "alias/mine", "sealed"],
    ["key", "create"], ["key", "rotate", "alias/mine"], ["key", "list"], ["key", "export", "alias/mine", "-o", "out"],
    ["kms", "generate-data-key", "--key-id", "alias/default", "--key-spec", "AES_256"], ["kms", "list-keys"], ["keystore", "check"], ["keystore", "backup", "out"],
    ["template", "plan", "template.yaml", "--stack-name", "big"], ["template", "apply", "template.yaml", "--stack-name", "big"],
    ["init", "-q", "--protector", "none", "--keystore", "out"], ["init", "-q", "--keystore", "out", "--passphrase-file", "pass"],
]
kinds = [(kind, floor(kind)) for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
before = files()
shutil.copytree(".", "../before", symlinks=True)
seen = set()
for number, command in enumerate(commands):
    for kind, least in kinds:
        # The limits are closer together near the start of the work and irregular, so that each time another allocation
        # fails.
        for step in range(5 if kind == resource.RLIMIT_AS else 1):
            limit = least + (step * step * 400 + number * 37 % 150) * 4096
            found = run(command, limit, kind)
            if not found:
                continue
            status, messages, output = found
            seen.add(status)
            where = f"{command} with {limit >> 10} KiB: {status} {messages.decode(errors='replace')[-300:]}"
            assert status in (0, 71), where
            if status:
                assert b"envcrypt: error: " in messages, where
                assert b"out of memory" in messages or b"no more threads" in messages, where
            now = files()
            for path, hash in now.items():
                assert before.get(path) == hash or is_complete(path), f"{path}: {where}"
            assert set(before) <= set(now), where
            if now != before:
                for name in os.listdir("."):
                    shutil.rmtree(name) if os.path.isdir(name) else os.unlink(name)
                shutil.copytree("../before", ".", symlinks=True, dirs_exist_ok=True)
assert seen == {0, 71}, seen

# A single operation that needs too much memory is reported, and with several files the others are done.
size = 64 << 20
limit = kinds[0][1] + size + (48 << 20)
status, messages, _ = run(["key", "create", *locked], kinds[0][1] + (100 << 20), resource.RLIMIT_AS)
assert status == 71 and b"out of memory: 128.0 MiB are needed at once" in messages, (status, messages)
shutil.rmtree("tree"); os.mkdir("tree")
for name, length in ("a", 65536), ("b", size), ("c", 65536):
    with open("large" if length == size else "plain", "rb") as source:
        subprocess.run([tool, "encrypt", "--frame-length", str(length), "-o", f"tree/{name}.envc"], stdin=source, check=True)
status, messages, _ = run(["decrypt", "-j", "1", "-R", "tree", "-o", "gathered"], limit, resource.RLIMIT_AS)
assert status == 71 and b"tree/b.envc: out of memory: 64.0 MiB are needed at once" in messages, (status, messages)
assert sorted(os.listdir("gathered/tree")) == ["a", "c"], os.listdir("gathered")
P
envcrypt key create --alias alias/mine >/dev/null
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem 2>/dev/null; openssl pkey -in private.pem -pubout -out public.pem
truncate -s 80M large
python3 drive.py
