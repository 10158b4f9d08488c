# Random trees and rules: what is taken is exactly what rsync takes.
command -v rsync >/dev/null || { skipped 'rsync is not installed'; exit; }
cat > compare.py <<'P'
import os, random, subprocess, sys

def run(seed):
    chance = random.Random(seed)
    def name(): return "".join(chance.choice("ab.") for _ in range(chance.randint(1, 2))) or "a"
    def piece():
        return chance.choice(["a", "b", "ab", ".a", "*", "*", "?", "**", "[ab]", "[!a]", "[^.]", "\\a", "***", "a*", "*b", "[[:alpha:]]"])
    def pattern():
        text = chance.choice(["", "", "/"]) + "/".join(
            "".join(piece() for _ in range(chance.choice([1, 1, 2]))) for _ in range(chance.choice([1, 1, 2, 3])))
        return text + chance.choice(["", "", "", "/", "/***", "/**", "/*"])
    rules = [(chance.choice(["--exclude", "--exclude", "--include"]), pattern()) for _ in range(chance.randint(1, 5))]
    root = f"t{seed}"
    os.mkdir(root)
    places = [root + "/src"]
    os.mkdir(places[0])
    for _ in range(14):
        path = os.path.join(chance.choice(places), name())
        if os.path.lexists(path) or os.path.basename(path) in (".", ".."): continue
        if chance.random() < 0.5:
            os.mkdir(path)
            places.append(path)
        elif chance.random() < 0.15: os.symlink("x", path)
        else: open(path, "w").close()
    options = [argument for rule in rules for argument in rule]
    source = "src" + chance.choice(["", "/"])
    subprocess.run(["rsync", "-rl", *options, source, "theirs/"], cwd=root, check=True)
    subprocess.run(["envcrypt", "encrypt", "-q", "--no-sync", "-R", source, "-o", "ours/", *options], cwd=root, check=True,
        stderr=subprocess.DEVNULL)
    def listing(top):
        return {os.path.relpath(os.path.join(way, one), top).removesuffix(".envc")
                for way, folders, files in os.walk(top) for one in folders + files}
    ours, theirs = listing(root + "/ours"), listing(root + "/theirs")
    if ours != theirs:
        sys.exit(f"seed {seed}: {options} {source}\nonly ours: {sorted(ours - theirs)}\nonly theirs: {sorted(theirs - ours)}")
    return bool(theirs)

taken = sum(run(seed) for seed in range(int(sys.argv[1]), int(sys.argv[2])))
assert taken > (int(sys.argv[2]) - int(sys.argv[1])) / 4, f"only {taken} trees had anything left"
P
python3 compare.py 0 "${ROUNDS:-50}"
