# Every signal that ends a process by default lets the tool write the records that it keeps back, and leaves no file.
for number in 1 2 3 4; do echo $number >$number; envcrypt encrypt -q $number; done
mkfifo endless.envc; exec 9<>endless.envc
printf '%s\n' 1.envc 2.envc 3.envc 4.envc endless.envc >list
cat >drive.py <<'P'
import os, shutil, signal, subprocess, time
# Those that end a process, by signal(7), without those of a fault in the program, SIGKILL, and SIGPIPE and SIGXFSZ,
# which the tool ignores.
names = "HUP INT QUIT ABRT USR1 USR2 ALRM TERM STKFLT XCPU VTALRM PROF IO PWR SYS".split()
numbers = [getattr(signal, "SIG" + name) for name in names] + list(range(signal.SIGRTMIN, signal.SIGRTMAX + 1))
def count():
    shown = subprocess.run(["envcrypt", "keystore", "audit", "--operation", "Decrypt"], capture_output=True, check=True)
    return shown.stdout.count(b" ok\n")
def run(number):
    shutil.rmtree("opened", ignore_errors=True); os.mkdir("opened")
    def listen():
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
    child = subprocess.Popen(["envcrypt", "decrypt", "--jobs", "1", "--files-from", "list", "-o", "opened"], preexec_fn=listen)
    deadline = time.monotonic() + 60
    while not all(os.path.exists(f"opened/{name}") for name in "1234"):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.001)
    child.send_signal(number)
    assert child.wait(timeout=60) == -number, (number, child.returncode)
    assert sorted(os.listdir("opened")) == ["1", "2", "3", "4"], (number, os.listdir("opened"))
done = 0
for number in numbers:
    run(number)
    done += 4
    assert count() == done, (number, count(), done)
P
python3 drive.py
exec 9>&-
