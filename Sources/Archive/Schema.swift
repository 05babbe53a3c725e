import GRDB

/// The tables.
///
/// Times, titles and order of conversations are inside the ciphertext; what a row shows is its owner, its size and its
/// age.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: version1) }
        migrator.registerMigration("2") { try $0.execute(sql: version2) }
        return migrator
    }

    private static let version1 = """
        CREATE TABLE account (
            id BLOB PRIMARY KEY NOT NULL, lookup BLOB UNIQUE NOT NULL, revision INTEGER NOT NULL, record BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE attempt (
            lookup BLOB PRIMARY KEY NOT NULL, failures INTEGER NOT NULL, last INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE conversation (
            id BLOB PRIMARY KEY NOT NULL, account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
            scope BLOB NOT NULL, expiry_day INTEGER, head_version INTEGER NOT NULL, head BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX conversation_account ON conversation (account);
        CREATE TABLE conversation_key (
            conversation BLOB NOT NULL REFERENCES conversation ON DELETE CASCADE, epoch INTEGER NOT NULL,
            wrapped BLOB NOT NULL, PRIMARY KEY (conversation, epoch)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE record (
            conversation BLOB NOT NULL REFERENCES conversation ON DELETE CASCADE, ordinal INTEGER NOT NULL,
            sequence INTEGER NOT NULL, version INTEGER NOT NULL, kind INTEGER NOT NULL, epoch INTEGER NOT NULL,
            box BLOB NOT NULL, PRIMARY KEY (conversation, ordinal)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE inbox (
            id BLOB PRIMARY KEY NOT NULL, account BLOB NOT NULL REFERENCES account ON DELETE CASCADE, box BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    /// The last day, since 1970, that an API key was used on.
    private static let version2 = """
        CREATE TABLE key_use (
            slot BLOB PRIMARY KEY NOT NULL, account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
            day INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
