// Contracts between our own functions: a broken one is a bug in this program, never something the world did.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process with the place and the condition when the caller broke a contract. Always on: it stands outside hot
/// loops only.
#define OCTET_CHECK(condition)                                                              \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      std::fprintf(stderr, "%s:%d: contract broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)
