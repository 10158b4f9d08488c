import GRDB

/// The tables of a keystore, as a list of migration steps. Steps are only ever added.
///
/// Dates are milliseconds since 1970. `authenticationCode` is a code over the record's other
/// columns. Its key is derived from the root key.
enum KeystoreSchema {
  /// "ENVC". It distinguishes a keystore from other SQLite files.
  static let applicationID: Int32 = 0x454E_5643

  /// The names of the migration steps. The first one makes a store.
  static let steps = [
    "1: keystore, protectors, master keys, versions, aliases",
    "2: deletion, rotation, imported material, tags, policies, grants, audit anchor",
    // The first process that unlocks the store fills the ledger.
    "3: ledger",
    "4: dates when a destruction was found due, required audit",
    "5: index of the dates that rotations count from",
    "6: labels of protectors",
  ]

  /// The table in which GRDB's migrator records the steps that a store has had.
  static let stepsTable = "grdb_migrations"

  /// The date on which a row of masterKey is due: the earlier of its deletion date and, if the key
  /// is enabled, its next rotation date. Every command that writes queries it, so there is an index
  /// on it.
  static let dueDate = """
    min(ifnull(deletionDate, \(Int64.max)), \
    CASE state WHEN 'Enabled' THEN ifnull(nextRotationDate, \(Int64.max)) ELSE \(Int64.max) END)
    """

  /// The date from which the period before a key's next rotation counts. It can be in the future
  /// only if a clock was wrong. Every command that writes queries it, so there is an index on it.
  static let rotationStart = "nextRotationDate - rotationPeriodInDays * 86400000"

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    for (index, name) in steps.enumerated() {
      migrator.registerMigration(name) { db in
        if index == 0 { try db.execute(sql: "PRAGMA application_id = \(applicationID)") }
        for object in objects { try object.make(inStep: index + 1, db) }
      }
    }
    return migrator
  }

  /// All objects of a keystore's schema, in the order of their creation. A store is refused if its
  /// schema has any other object, lacks an object, or has one with another text.
  static let objects: [SchemaObject] = [
    // The table of GRDB's migrator.
    .table(
      stepsTable, step: 0, "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)"),
    .automaticIndex(of: stepsTable, step: 0),

    .table(
      "keystore", step: 1,
      """
      CREATE TABLE keystore (
        id TEXT NOT NULL PRIMARY KEY,
        creationDate INTEGER NOT NULL,
        authenticationCode BLOB NOT NULL

      """,
      added: [(3, "ledger BLOB"), (4, "requiresAudit INTEGER"), (4, "foundDueDate INTEGER")],
      ") STRICT"),
    .automaticIndex(of: "keystore", step: 1),

    .table(
      "protector", step: 1,
      """
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

      """, added: [(6, "label TEXT")], ") STRICT"),
    .automaticIndex(of: "protector", step: 1),

    .table(
      "masterKey", step: 1,
      """
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

      """,
      added: [
        (2, "deletionDate INTEGER"), (2, "rotationPeriodInDays INTEGER"),
        (2, "nextRotationDate INTEGER"), (2, "validTo INTEGER"), (2, "policyDigest BLOB"),
        (2, "grantsDigest BLOB"), (4, "foundDueDate INTEGER"),
      ],
      ") STRICT"),
    .automaticIndex(of: "masterKey", step: 1),

    .table(
      "keyVersion", step: 1,
      """
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
        authenticationCode BLOB NOT NULL
      """,
      added: [
        (2, "materialID TEXT"), (2, "rotationType TEXT"), (2, "validTo INTEGER"),
        (2, "materialDescription TEXT"), (2, "auditSequence INTEGER"), (4, "foundDueDate INTEGER"),
      ],
      ",\n  PRIMARY KEY (keyID, version)\n) STRICT, WITHOUT ROWID"),
    .index(
      "keyVersionByFingerprint", of: "keyVersion", step: 1,
      """
      (fingerprint)
        WHERE fingerprint IS NOT NULL
      """),
    .index(
      "keyVersionByForeignName", of: "keyVersion", step: 1,
      """
      (foreignProviderID, foreignKeyName)
        WHERE foreignProviderID IS NOT NULL
      """),

    .table(
      "alias", step: 1,
      """
      CREATE TABLE alias (
        name TEXT NOT NULL PRIMARY KEY,
        targetKeyID TEXT NOT NULL REFERENCES masterKey (id) ON DELETE CASCADE,
        creationDate INTEGER NOT NULL,
        lastUpdatedDate INTEGER NOT NULL,
        authenticationCode BLOB NOT NULL
      ) STRICT, WITHOUT ROWID
      """),
    .index("aliasByTarget", of: "alias", step: 1, "(targetKeyID)"),

    .index("masterKeyByCreation", of: "masterKey", step: 2, "(creationDate, id)"),
    .index("masterKeyByDueDate", of: "masterKey", step: 2, "(\(dueDate))"),
    .index(
      "keyVersionByExpiry", of: "keyVersion", step: 2, "(validTo) WHERE validTo IS NOT NULL"),

    .table(
      "tag", step: 2,
      """
      CREATE TABLE tag (
        keyID TEXT NOT NULL REFERENCES masterKey (id) ON DELETE CASCADE,
        tagKey TEXT NOT NULL,
        tagValue TEXT NOT NULL,
        authenticationCode BLOB NOT NULL,
        PRIMARY KEY (keyID, tagKey)
      ) STRICT, WITHOUT ROWID
      """),

    .table(
      "keyPolicy", step: 2,
      """
      CREATE TABLE keyPolicy (
        keyID TEXT NOT NULL PRIMARY KEY REFERENCES masterKey (id) ON DELETE CASCADE,
        policy TEXT NOT NULL
      ) STRICT, WITHOUT ROWID
      """),

    .table(
      "keyGrant", step: 2,
      """
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
      ) STRICT, WITHOUT ROWID
      """),
    .index(
      "keyGrantByRetiringPrincipal", of: "keyGrant", step: 2,
      """
      (retiringPrincipal)
        WHERE retiringPrincipal IS NOT NULL
      """),

    .table(
      "stack", step: 2,
      """
      CREATE TABLE stack (
        name TEXT NOT NULL PRIMARY KEY,
        creationDate INTEGER NOT NULL,
        lastUpdatedDate INTEGER,
        contents TEXT NOT NULL,
        authenticationCode BLOB NOT NULL
      ) STRICT, WITHOUT ROWID
      """),

    .table(
      "auditAnchor", step: 2,
      """
      CREATE TABLE auditAnchor (
        id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        sequence INTEGER NOT NULL,
        code BLOB NOT NULL,
        authenticationCode BLOB NOT NULL
      ) STRICT
      """),

    .table(
      "ledger", step: 3,
      """
      CREATE TABLE ledger (
        bucket TEXT NOT NULL PRIMARY KEY,
        entries BLOB NOT NULL
      ) STRICT, WITHOUT ROWID
      """),

    .index(
      "masterKeyByRotationStart", of: "masterKey", step: 5,
      "(\(rotationStart)) WHERE nextRotationDate IS NOT NULL"),
  ]
}
