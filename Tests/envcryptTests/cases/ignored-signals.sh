# A signal that the caller ignores, as nohup does, does not end the tool, even while it has hidden files to remove.
mkfifo pipe; mkdir out
cat > drive.py <<'P'
import os, signal, subprocess
SIGNALS = signal.SIGHUP, signal.SIGINT, signal.SIGTERM
def run(ignored):
    def prepare():
        for number in SIGNALS: signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
    tool = subprocess.Popen(["envcrypt", "encrypt", "pipe", "-f", "-o", "out/x.envc"], preexec_fn=prepare)
    writer = open("pipe", "wb")
    writer.write(bytes(3000000)); writer.flush()
    # The tool has read more than a pipe holds, so its output has begun and it watches for signals.
    return tool, writer
for ignored in SIGNALS, (signal.SIGHUP,):
    tool, writer = run(ignored)
    for number in ignored: tool.send_signal(number)
    writer.write(b"the end"); writer.close()
    assert tool.wait(timeout=120) == 0, tool.returncode
    assert subprocess.run(["envcrypt", "decrypt", "out/x.envc", "-o", "-"], capture_output=True).stdout == bytes(3000000) + b"the end"
# The other signals end it as usual and leave no hidden files.
tool, writer = run([signal.SIGHUP])
tool.send_signal(signal.SIGHUP); tool.send_signal(signal.SIGTERM)
assert tool.wait(timeout=120) == -signal.SIGTERM, tool.returncode
assert os.listdir("out") == ["x.envc"], os.listdir("out")
P
python3 drive.py
