//! A store in a file: SQLite in WAL mode with full synchronisation.
