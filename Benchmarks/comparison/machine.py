"""The requirements on the machine (programs, space, memory) and a description of it."""

import contextlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, ".build", "bench")
# The tests use the same environment, so it is created only once.
VENV = os.path.join(ROOT, ".build", "interop-venv")
SDK = "aws-encryption-sdk==3.3.1"
SHARED_MEMORY = "/dev/shm"
DISK = "/var/tmp"
# The required programs and their Debian packages.
PACKAGES = {"age": "age", "age-keygen": "age", "gpg": "gnupg", "openssl": "openssl",
            "cc": "build-essential"}
LIBCRYPTO_HEADER = "/usr/include/openssl/evp.h"
HELPERS = {"evp-loop": ["-lcrypto", "-lpthread"], "launch": []}
# Space left free for the system and for others who work on the machine.
SPARE_MEMORY = 1 << 30
SPARE_DISK = 1 << 30
# The load for each core before the run that does not disturb it.
BUSY = 0.25


class Failure(Exception):
    """A message for standard error, or for the workload that it ends."""


def progress(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def run(command, cwd=None, env=None):
    """Runs a command that is not measured and returns its output."""
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, errors = process.communicate()
    except BaseException:
        end(process)
        raise
    if process.returncode != 0:
        reason = errors.strip().splitlines() or [f"exit status {process.returncode}"]
        raise Failure(f"{shown(command)}: {reason[0]}")
    return output


def shown(command):
    """Returns a command as a user would type it."""
    name = os.path.basename(command[0])
    return shlex.join([name, *(word.replace(f"{ROOT}/", "") for word in command[1:])])


def end(process):
    """Ends a process that leads a session, and the processes that it has started, such as a
    shell's pipeline."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def first_line(command):
    return run(command).split("\n")[0]


# Programs


def install_peers():
    install(PACKAGES, [] if os.path.exists(LIBCRYPTO_HEADER) else ["libssl-dev"])


def install(packages, others=()):
    """Installs the packages of the programs that are missing, and the `others`."""
    missing = {package for program, package in packages.items() if not shutil.which(program)}
    missing.update(others)
    if not missing:
        return
    names = " ".join(sorted(missing))
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(f"not installed: {names} (Debian: apt-get install {names}, as root)")
    progress(f"installing {names}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=environment)
    run(["apt-get", "install", "-y", "-qq", *sorted(missing)], env=environment)


def find_sdk():
    """Returns the Python of an environment with the AWS Encryption SDK. Creates the environment
    if necessary."""
    python = os.path.join(VENV, "bin", "python")
    check = [python, "-c", "import aws_encryption_sdk"]
    if not os.path.exists(python) or subprocess.run(check, capture_output=True).returncode != 0:
        progress(f"installing {SDK}")
        run([sys.executable, "-m", "venv", VENV])
        run([python, "-m", "pip", "install", "-q", SDK])
    return python


def build_envcrypt():
    progress("building envcrypt")
    if subprocess.run(["make", "-C", ROOT, "build"], stdout=sys.stderr).returncode != 0:
        raise Failure("the build failed; --envcrypt PATH measures a binary that is there")
    return os.path.join(ROOT, ".build/static/release/envcrypt")


def build_helpers():
    """Compiles the C programs of this directory and returns the path of each."""
    os.makedirs(BUILD, exist_ok=True)
    for name, libraries in HELPERS.items():
        source = os.path.join(ROOT, "Benchmarks", f"{name}.c")
        run(["cc", "-O2", "-o", os.path.join(BUILD, name), source, *libraries])
    return {name: os.path.join(BUILD, name) for name in HELPERS}


# Space


def cores():
    return len(os.sched_getaffinity(0))


def available_memory():
    with open("/proc/meminfo") as file:
        fields = dict(line.split(":") for line in file)
    return int(fields["MemAvailable"].split()[0]) << 10


def room_in_memory():
    """Returns the number of bytes that files in shared memory may take. They use memory,
    whatever the mount allows."""
    free = shutil.disk_usage(SHARED_MEMORY).free
    return max(0, min(free, available_memory() - SPARE_MEMORY))


def room_on_disk():
    return max(0, shutil.disk_usage(DISK).free - SPARE_DISK)


def check_room(in_memory, on_disk):
    """Reports early that the data will not fit."""
    for name, wanted, room in ((SHARED_MEMORY, in_memory, room_in_memory()),
                               (DISK, on_disk, room_on_disk())):
        if wanted > room:
            raise Failure(f"{wanted >> 20} MiB are wanted in {name}, there is room for "
                          f"{room >> 20}: give a smaller --size, or --only some work")
    kind = first_line(["stat", "-f", "-c", "%T", DISK])
    if on_disk and kind in ("tmpfs", "ramfs"):
        raise Failure(f"{DISK} is {kind}, no disk: leave out what needs one with --only")


def warn_if_busy():
    load = os.getloadavg()[0]
    if load > BUSY * cores():
        progress(f"the machine is busy (load {load:.2f}): programs with several threads will seem "
                 "slower beside the others than they are")


def describe(envcrypt):
    """Returns the facts about the machine that a reader of the figures needs."""
    return {
        "processor": first_line(["sed", "-n", "s/^model name.*: //p", "/proc/cpuinfo"]),
        "cores": cores(),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "root disk": first_line(["stat", "-f", "-c", "%T", DISK]),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "envcrypt": first_line([envcrypt, "--version"]),
        "age": first_line(["age", "--version"]),
        "openssl": first_line(["openssl", "version"]),
        "gpg": first_line(["gpg", "--version"]),
        "cp, cat": first_line(["cp", "--version"]),
    }
