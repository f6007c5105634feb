// Tests with a short form, in every run, and a long one, whose size an environment variable gives.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace octet::tests {

inline int count_from(const char* variable, int short_form) {
  const char* long_form = std::getenv(variable);
  return long_form == nullptr ? short_form : std::max(1, std::atoi(long_form));
}

}  // namespace octet::tests
