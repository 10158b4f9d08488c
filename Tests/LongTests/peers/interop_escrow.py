"""An escrow file with a passphrase, opened by the documented script with the Python SDK. Usage: interop_escrow.py
OPEN_ESCROW.py. Takes envcrypt from PATH and writes into the current directory."""
import json, os, subprocess, sys

os.umask(0o077)
script = sys.argv[1]


def run(*arguments, source=b"", status=0):
    done = subprocess.run(arguments, input=source, stdout=subprocess.PIPE)
    assert done.returncode == status, (arguments, done.returncode)
    return done.stdout


envcrypt = ("envcrypt",)
run(*envcrypt, "init", "-q", "--protector", "none")
for spec in ("SYMMETRIC_DEFAULT", "RSA_2048"):
    run(*envcrypt, "key", "create", "--spec", spec, "--alias", f"alias/{spec}")
run(*envcrypt, "key", "rotate", "alias/SYMMETRIC_DEFAULT")
clear = run(*envcrypt, "key", "export", "--all", "-o", "-")
open("pass", "w").write("correct horse λ\n")
run(*envcrypt, "key", "export", "--all", "--encrypt-with", "passphrase", "--escrow-passphrase-file", "pass", "-o", "escrow.pem")
assert run(sys.executable, script, "escrow.pem", source="correct horse λ\n".encode()) == clear
assert len(json.loads(clear)["keys"]) == 5
run(sys.executable, script, "escrow.pem", source=b"wrong\n", status=1)
