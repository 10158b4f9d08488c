#pragma once

/// How many blocks of memory this process has asked the C library for.
unsigned long allocation_count(void);
