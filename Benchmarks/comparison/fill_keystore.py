"""Puts many master keys into a keystore whose protector is `none`.

Runs in the virtual environment, which has AES-GCM: fill_keystore.py KEYSTORE COUNT. A process
for each of 100,000 keys would take a quarter of an hour. This script writes the rows that
`envcrypt key create` writes (docs/keystore.md) in one transaction, except the rows of the
ledger: `envcrypt keystore check --accept` must follow. Prints three of the key IDs, under which
envcrypt then encrypts. It verifies their records like its own.
"""

import hashlib
import hmac
import os
import sqlite3
import struct
import sys
import time
import uuid

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(root_key, info):
    return HKDF(SHA256(), 32, salt=None, info=info).derive(root_key)


def encode(fields):
    """Encodes each field as its kind, its length and its bytes (Sources/KMSKeystore)."""
    parts = []
    for value in fields:
        if value is None:
            kind, data = 0, b""
        elif isinstance(value, str):
            kind, data = 1, value.encode()
        elif isinstance(value, int):
            kind, data = 2, struct.pack(">q", value)
        else:
            kind, data = 3, value
        parts.append(struct.pack(">BQ", kind, len(data)) + data)
    return b"".join(parts)


class Store:
    def __init__(self, database):
        self.database = database
        (self.id,) = database.execute("SELECT id FROM keystore").fetchone()
        (root_key,) = database.execute(
            "SELECT wrappedRootKey FROM protector WHERE kind = 'none'").fetchone()
        self.wrapping = AESGCM(derive(root_key, b"envcrypt master key wrapping"))
        self.record_key = derive(root_key, b"envcrypt record authentication")

    def authenticate(self, message):
        return hmac.new(self.record_key, message, hashlib.sha256).digest()

    def insert(self, table, row, later={}):
        """Inserts a row with the table's first columns and with the columns that were added
        later."""
        message = encode(["envcrypt ledger record", self.id, table, *row.values(),
                          *(part for pair in later.items() for part in pair)])
        columns = {**row, **later, "authenticationCode": self.authenticate(message)}
        marks = ", ".join("?" * len(columns))
        self.database.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", [*columns.values()])

    def add_key(self, date):
        key_id, version, nonce, material = str(uuid.uuid4()), 1, os.urandom(12), os.urandom(32)
        place = encode(["envcrypt master key", self.id, key_id, version])
        material_id = self.authenticate(
            encode(["envcrypt key material", self.id, key_id]) + material)
        self.insert("masterKey", {
            "id": key_id, "spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT",
            "state": "Enabled", "origin": "AWS_KMS", "manager": "CUSTOMER", "description": "",
            "creationDate": date, "currentVersion": version})
        self.insert("keyVersion", {
            "keyID": key_id, "version": version, "creationDate": date, "publicKey": None,
            "fingerprint": None, "foreignProviderID": None, "foreignKeyName": None,
            "foreignPadding": None, "nonce": nonce,
            "wrappedMaterial": self.wrapping.encrypt(nonce, material, place),
        }, later={"materialID": material_id.hex()})
        return key_id


def main(path, count):
    database = sqlite3.connect(path)
    with database:
        store = Store(database)
        date = int(time.time() * 1000)
        ids = [store.add_key(date + number) for number in range(count)]
    database.close()
    print(ids[0], ids[len(ids) // 2], ids[-1], sep="\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
