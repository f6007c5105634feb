// What octet-bench quality prints.
#pragma once

#include <map>
#include <string>

#include "benchmarks/quality/scores.h"

namespace octet::benchmarks {

void print_quality(const Score& total, const std::map<std::string, Score>& languages);

}  // namespace octet::benchmarks
