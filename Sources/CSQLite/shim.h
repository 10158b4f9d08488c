// Wrappers of SQLite functions for Swift, which cannot call variadic functions. They also cover
// file controls and the file methods in a C struct. GRDB does everything else.
#pragma once

#include <sqlite3.h>

// Turns an option of a connection on or off (sqlite3_db_config).
static inline int envcrypt_sqlite_switch(sqlite3 *connection, int option, int isOn) {
  return sqlite3_db_config(connection, option, isOn, (int *)0);
}

static inline sqlite3_file *envcrypt_sqlite_file(sqlite3 *connection) {
  sqlite3_file *file = 0;
  int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  return code == SQLITE_OK && file && file->pMethods ? file : 0;
}

// Reads from the database file of a connection, through the descriptor of SQLite: closing another
// descriptor of that file would release every POSIX lock that this process holds on it.
static inline int envcrypt_sqlite_read(sqlite3 *connection, void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *file = envcrypt_sqlite_file(connection);
  return file ? file->pMethods->xRead(file, bytes, count, offset) : SQLITE_CANTOPEN;
}

static inline int envcrypt_sqlite_size(sqlite3 *connection, sqlite3_int64 *size) {
  sqlite3_file *file = envcrypt_sqlite_file(connection);
  return file ? file->pMethods->xFileSize(file, size) : SQLITE_CANTOPEN;
}

// Returns 1 if the path of the database file no longer names the file that the connection opened, 0
// if it does, and -1 if SQLite does not know.
static inline int envcrypt_sqlite_has_moved(sqlite3 *connection) {
  int hasMoved = 0;
  int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved);
  return code == SQLITE_OK ? hasMoved : -1;
}
