import GRDB

/// The tables of a keystore, as a list of steps that only ever grows.
///
/// Dates are milliseconds since 1970. `authenticationCode` is the code of the record's other
/// columns under a key that only the root key yields.
enum KeystoreSchema {
  /// "ENVC", which tells a keystore from any other SQLite file.
  static let applicationID: Int32 = 0x454E_5643

  /// The first date on which time changes a row of masterKey, deletes it or has it rotated. Every command that writes asks for it,
  /// so it is an index.
  static let dueDate = """
    min(ifnull(deletionDate, \(Int64.max)), \
    CASE state WHEN 'Enabled' THEN ifnull(nextRotationDate, \(Int64.max)) ELSE \(Int64.max) END)
    """

  /// The steps that a store has had, from the table where GRDB's migrator keeps them.
  static func appliedMigrations(_ db: Database) throws -> Set<String> {
    try String.fetchSet(db.cachedStatement(sql: "SELECT identifier FROM grdb_migrations"))
  }

  /// Made anew where somebody took it away, since it can be filled again.
  static let ledgerTable = """
    CREATE TABLE IF NOT EXISTS ledger (
      bucket TEXT NOT NULL PRIMARY KEY,
      entries BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: keystore, protectors, master keys, versions, aliases") { db in
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
      try db.execute(
        sql: """
          CREATE TABLE keystore (
            id TEXT NOT NULL PRIMARY KEY,
            creationDate INTEGER NOT NULL,
            authenticationCode BLOB NOT NULL
          ) STRICT;

          CREATE TABLE protector (
            id TEXT NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL,
            creationDate INTEGER NOT NULL,
            keyFilePath TEXT,
            salt BLOB NOT NULL,
            scryptCost INTEGER,
            scryptBlockSize INTEGER,
            scryptParallelism INTEGER,
            nonce BLOB NOT NULL,
            wrappedRootKey BLOB NOT NULL
          ) STRICT;

          CREATE TABLE masterKey (
            id TEXT NOT NULL PRIMARY KEY,
            spec TEXT NOT NULL,
            usage TEXT NOT NULL,
            state TEXT NOT NULL,
            origin TEXT NOT NULL,
            manager TEXT NOT NULL,
            description TEXT NOT NULL,
            creationDate INTEGER NOT NULL,
            currentVersion INTEGER NOT NULL,
            authenticationCode BLOB NOT NULL
          ) STRICT;

          CREATE TABLE keyVersion (
            keyID TEXT NOT NULL REFERENCES masterKey (id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            creationDate INTEGER NOT NULL,
            publicKey BLOB,
            fingerprint TEXT,
            foreignProviderID TEXT,
            foreignKeyName TEXT,
            foreignPadding TEXT,
            nonce BLOB NOT NULL,
            wrappedMaterial BLOB NOT NULL,
            authenticationCode BLOB NOT NULL,
            PRIMARY KEY (keyID, version)
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX keyVersionByFingerprint ON keyVersion (fingerprint)
            WHERE fingerprint IS NOT NULL;
          CREATE INDEX keyVersionByForeignName ON keyVersion (foreignProviderID, foreignKeyName)
            WHERE foreignProviderID IS NOT NULL;

          CREATE TABLE alias (
            name TEXT NOT NULL PRIMARY KEY,
            targetKeyID TEXT NOT NULL REFERENCES masterKey (id) ON DELETE CASCADE,
            creationDate INTEGER NOT NULL,
            lastUpdatedDate INTEGER NOT NULL,
            authenticationCode BLOB NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX aliasByTarget ON alias (targetKeyID);
          """)
    }
    migrator.registerMigration(
      "2: deletion, rotation, imported material, tags, policies, grants, audit anchor"
    ) {
      db in
      try db.execute(
        sql: """
          ALTER TABLE masterKey ADD COLUMN deletionDate INTEGER;
          ALTER TABLE masterKey ADD COLUMN rotationPeriodInDays INTEGER;
          ALTER TABLE masterKey ADD COLUMN nextRotationDate INTEGER;
          ALTER TABLE masterKey ADD COLUMN validTo INTEGER;
          ALTER TABLE masterKey ADD COLUMN policyDigest BLOB;
          ALTER TABLE masterKey ADD COLUMN grantsDigest BLOB;
          ALTER TABLE keyVersion ADD COLUMN materialID TEXT;
          ALTER TABLE keyVersion ADD COLUMN rotationType TEXT;
          ALTER TABLE keyVersion ADD COLUMN validTo INTEGER;
          ALTER TABLE keyVersion ADD COLUMN materialDescription TEXT;
          ALTER TABLE keyVersion ADD COLUMN auditSequence INTEGER;

          CREATE INDEX masterKeyByCreation ON masterKey (creationDate, id);
          CREATE INDEX masterKeyByDueDate ON masterKey (\(dueDate));
          CREATE INDEX keyVersionByExpiry ON keyVersion (validTo) WHERE validTo IS NOT NULL;

          CREATE TABLE tag (
            keyID TEXT NOT NULL REFERENCES masterKey (id) ON DELETE CASCADE,
            tagKey TEXT NOT NULL,
            tagValue TEXT NOT NULL,
            authenticationCode BLOB NOT NULL,
            PRIMARY KEY (keyID, tagKey)
          ) STRICT, WITHOUT ROWID;

          CREATE TABLE keyPolicy (
            keyID TEXT NOT NULL PRIMARY KEY REFERENCES masterKey (id) ON DELETE CASCADE,
            policy TEXT NOT NULL
          ) STRICT, WITHOUT ROWID;

          CREATE TABLE keyGrant (
            keyID TEXT NOT NULL REFERENCES masterKey (id) ON DELETE CASCADE,
            id TEXT NOT NULL,
            name TEXT,
            creationDate INTEGER NOT NULL,
            granteePrincipal TEXT NOT NULL,
            retiringPrincipal TEXT,
            operations TEXT NOT NULL,
            constraints TEXT,
            PRIMARY KEY (keyID, id)
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX keyGrantByRetiringPrincipal ON keyGrant (retiringPrincipal)
            WHERE retiringPrincipal IS NOT NULL;

          CREATE TABLE stack (
            name TEXT NOT NULL PRIMARY KEY,
            creationDate INTEGER NOT NULL,
            lastUpdatedDate INTEGER,
            contents TEXT NOT NULL,
            authenticationCode BLOB NOT NULL
          ) STRICT, WITHOUT ROWID;

          CREATE TABLE auditAnchor (
            id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
            sequence INTEGER NOT NULL,
            code BLOB NOT NULL,
            authenticationCode BLOB NOT NULL
          ) STRICT;
          """)
    }
    migrator.registerMigration("3: ledger") { db in
      // Filled by who unlocks the store first.
      try db.execute(sql: "ALTER TABLE keystore ADD COLUMN ledger BLOB")
      try db.execute(sql: ledgerTable)
    }
    migrator.registerMigration("4: dates when a destruction was found due, required audit") { db in
      try db.execute(
        sql: """
          ALTER TABLE masterKey ADD COLUMN foundDueDate INTEGER;
          ALTER TABLE keyVersion ADD COLUMN foundDueDate INTEGER;
          ALTER TABLE keystore ADD COLUMN requiresAudit INTEGER;
          ALTER TABLE keystore ADD COLUMN foundDueDate INTEGER;
          """)
    }
    return migrator
  }
}
