#pragma once

/// Returns the number of memory blocks that this process has requested from the C library.
unsigned long allocation_count(void);
