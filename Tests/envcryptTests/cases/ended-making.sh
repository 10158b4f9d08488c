# A signal while a keystore, a backup or a key file is made leaves all files that belong together, or none of them.
cat >drive.py <<'P'
import glob, json, os, shutil, signal, subprocess, time
def listen():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
def ends(awaited, pause, *arguments):
    """Sends SIGTERM a little after the awaited file has appeared. The command may be complete before."""
    child = subprocess.Popen(["envcrypt", *arguments], preexec_fn=listen, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    while not glob.glob(awaited) and child.poll() is None: pass
    time.sleep(pause)
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=120) in (0, -signal.SIGTERM), child.returncode
def empty():
    shutil.rmtree("made", ignore_errors=True); os.mkdir("made")
def made():
    # A hidden file may be left, and is removed by a later command.
    return sorted(name for name in os.listdir("made") if not name.startswith("."))
both = ["k.db", "k.db-audit"]
for step in range(24):
    pause = step / 2000
    empty()
    ends("made/.keystore-*.tmp-audit", pause, "init", "-q", "--protector", "none", "--keystore", "made/k.db")
    assert made() in ([], both), made()
    empty()
    ends("made/.keystore-*.tmp-audit", pause, "keystore", "backup", "made/k.db")
    assert made() in ([], both), made()
    empty()
    ends("made/key", pause, "init", "-q", "--protector", "key-file:made/key", "--keystore", "made/k.db")
    assert made() in ([], both + ["key"]), made()
    empty()
    ends("made/key", pause / 4, "keystore", "protector", "add", "key-file:made/key")
    listed = subprocess.run(["envcrypt", "keystore", "protector", "list", "--json"], capture_output=True, check=True)
    protectors = [each for each in json.loads(listed.stdout)["Protectors"] if each.get("KeyFile")]
    assert made() == ["key"] * len(protectors), (made(), protectors)
    for each in protectors:
        subprocess.run(["envcrypt", "keystore", "protector", "remove", each["ProtectorId"]], check=True)
P
python3 drive.py
envcrypt keystore check >/dev/null
