/* Included before each scanner: those that call calloc() itself, unchecked, get the allocator that is told to the core. */
#include <stdlib.h>

extern void* (*ts_current_calloc)(size_t count, size_t size);
#define calloc(count, size) ts_current_calloc(count, size)
