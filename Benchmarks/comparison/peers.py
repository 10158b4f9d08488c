"""The commands with which each program encrypts and decrypts, as its user would type them."""

import contextlib
import os
import shlex
from dataclasses import dataclass
from typing import Callable

from .machine import Failure, run

UNAUTHENTICATED = "no authentication"
COPIES = "copies only"
BARE = "no keys, no header"
# gpg takes a lock and starts an agent, which do not affect its speed.
GPG = ["gpg", "--batch", "--yes", "--quiet", "--no-options", "--homedir", "gnupg",
       "--pinentry-mode", "loopback", "--passphrase-file", "passphrase"]


@dataclass(frozen=True)
class Program:
    """`encrypt` and `decrypt` return a command for an input and an output. The filters do the
    same from standard input to standard output."""
    name: str
    encrypt: Callable
    decrypt: Callable
    encrypting_filter: list | None = None
    decrypting_filter: list | None = None
    note: str = ""
    rounds: int | None = None


def write_random(path, size):
    with open(path, "wb") as file:
        while file.tell() < size:
            file.write(os.urandom(min(size - file.tell(), 1 << 20)))


class Place:
    """A directory with the keys of all programs and the large files, each created on first use.
    Commands run in it, so that they name files as a user would."""

    def __init__(self, directory, envcrypt, helpers, size):
        self.directory, self.size, self.envcrypt = directory, size, envcrypt
        self.programs = {}
        self._make_keys()
        for program in (self._envcrypt(), self._age(), self._openssl(), self._gpg(),
                        self._evp_loop(helpers["evp-loop"])):
            self.programs[program.name] = program

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, command):
        return run(command, cwd=self.directory)

    # Programs

    def options(self, keystore="keystore.db"):
        return ["-q", "--keystore", keystore]

    def _make_keys(self):
        self.make_keystore("keystore.db", "none")
        self.make_keystore("key-file.db", "key-file:envcrypt.key")
        self.run(["age-keygen", "-o", "age.key"])
        self.recipient = self.run(["age-keygen", "-y", "age.key"]).strip()
        os.mkdir(self.path("gnupg"), mode=0o700)
        with open(self.path("passphrase"), "w") as file:
            file.write(os.urandom(16).hex())

    def make_keystore(self, name, protector):
        self.run([self.envcrypt, "init", "-q", "--protector", protector, "--keystore", name])

    def encrypt(self, source, out, *more, keystore="keystore.db"):
        return [self.envcrypt, "encrypt", *self.options(keystore), *more, "-o", out, source]

    def decrypt(self, source, out, *more, keystore="keystore.db"):
        return [self.envcrypt, "decrypt", *self.options(keystore), *more, "-o", out, source]

    def _envcrypt(self):
        return Program("envcrypt", self.encrypt, self.decrypt,
                       [self.envcrypt, "encrypt", *self.options()],
                       [self.envcrypt, "decrypt", *self.options()])

    def _age(self):
        seal, unseal = ["age", "-r", self.recipient], ["age", "-d", "-i", "age.key"]
        return Program("age", lambda source, out: [*seal, "-o", out, source],
                       lambda source, out: [*unseal, "-o", out, source], seal, unseal)

    def _openssl(self):
        # With a key instead of a passphrase openssl does not have to derive one.
        seal = ["openssl", "enc", "-aes-256-ctr", "-K", os.urandom(32).hex(),
                "-iv", os.urandom(16).hex()]
        return Program("openssl", lambda source, out: [*seal, "-in", source, "-out", out],
                       lambda source, out: [*seal, "-d", "-in", source, "-out", out],
                       seal, [*seal, "-d"], UNAUTHENTICATED)

    def _gpg(self):
        seal = [*GPG, "--symmetric", "--cipher-algo", "AES256", "--compress-algo", "none"]
        return Program("gpg", lambda source, out: [*seal, "-o", out, source],
                       lambda source, out: [*GPG, "-o", out, "--decrypt", source],
                       note="fewer rounds", rounds=2)

    def _evp_loop(self, binary):
        return Program("evp-loop", lambda source, out: [binary, source, out],
                       lambda source, out: [binary, "-d", source, out], note=BARE)

    # Large files

    def plain(self):
        if not os.path.exists(self.path("plain")):
            write_random(self.path("plain"), self.size)
        return "plain"

    def sealed(self, name):
        """Returns the program's own ciphertext of `plain`, after checking that the program
        decrypts it."""
        sealed = f"{name}.sealed"
        if not os.path.exists(self.path(sealed)):
            program = self.programs[name]
            self.run(program.encrypt(self.plain(), sealed))
            self.run(program.decrypt(sealed, "opened"))
            self.expect_same("plain", "opened", name)
        return sealed

    def expect_same(self, one, other, name):
        """Compares the files and removes the second one."""
        try:
            self.run(["cmp", one, other])
        except Failure as failure:
            raise Failure(f"{name} does not give back what it encrypted") from failure
        os.remove(self.path(other))

    def check_filters(self, *more):
        """Tests a pipe, without a file that would take space."""
        seal, unseal = (shlex.join([self.envcrypt, verb, *self.options(), *options])
                        for verb, options in (("encrypt", more), ("decrypt", ())))
        self.run(["sh", "-c", f"{seal} < {self.plain()} | {unseal} | cmp - {self.plain()}"])

    def drop_large_files(self):
        for name in os.listdir(self.directory):
            if name == "plain" or name.endswith(".sealed"):
                os.remove(self.path(name))

    def close(self):
        """gpg leaves an agent that would run as long as its directory exists."""
        with contextlib.suppress(Failure, OSError):
            self.run(["gpgconf", "--homedir", self.path("gnupg"), "--kill", "gpg-agent"])
