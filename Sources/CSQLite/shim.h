// What Swift cannot call of SQLite: a function that takes any number of arguments, and those that are members of a C
// struct. GRDB does everything else.
#pragma once

#include <sqlite3.h>

// Turns one of a connection's switches on or off.
static inline int envcrypt_sqlite_switch(sqlite3 *connection, int option, int isOn) {
  return sqlite3_db_config(connection, option, isOn, (int *)0);
}

static inline sqlite3_file *envcrypt_sqlite_file(sqlite3 *connection) {
  sqlite3_file *file = 0;
  int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  return code == SQLITE_OK && file && file->pMethods ? file : 0;
}

// Reads from the file of a connection, through SQLite's own descriptor: to close another descriptor of that file would
// let go of every lock that this process has on it.
static inline int envcrypt_sqlite_read(sqlite3 *connection, void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *file = envcrypt_sqlite_file(connection);
  return file ? file->pMethods->xRead(file, bytes, count, offset) : SQLITE_CANTOPEN;
}

static inline int envcrypt_sqlite_size(sqlite3 *connection, sqlite3_int64 *size) {
  sqlite3_file *file = envcrypt_sqlite_file(connection);
  return file ? file->pMethods->xFileSize(file, size) : SQLITE_CANTOPEN;
}

// 1 if the name under which the connection opened its file is another file's by now, 0 if not, -1 if SQLite does not
// know.
static inline int envcrypt_sqlite_has_moved(sqlite3 *connection) {
  int hasMoved = 0;
  int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved);
  return code == SQLITE_OK ? hasMoved : -1;
}
