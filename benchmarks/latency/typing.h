// Made-up traces: somebody writes passages of real files again, with the pauses, the slips and the jumps of a person.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "benchmarks/latency/trace.h"
#include "bytemodel/result.h"

namespace octet::benchmarks {

struct TypingOptions {
  std::vector<std::filesystem::path> files;
  std::size_t n_keys = 150;  // over all files; a few more, because the last line of a passage is written to its end
  std::uint64_t seed = 1;
};

/// Of each file two passages are missing when it is opened; the person writes the first one of each file, then the second ones, so that the
/// cursor jumps between files and places. A key is one character, or a line's end with the next line's indentation, which editors make.
/// Two keys in a hundred are slips: a wrong letter, seen and deleted.
///
/// Keys are 120 ms apart (median; log-normal, sigma 0.5), as those of people who write 45 words a minute, 400 ms more after a line's end
/// and a second more after a jump. Source for the spread: Dhakal et al. 2018, "Observations on Typing from 136 Million Keystrokes".
///
/// Fails with kUnreadable where a file cannot be read, with kInvalidArgument where it has fewer than kMinLines lines that hold something.
Result<Trace> typed_again(const TypingOptions& options);

inline constexpr std::size_t kMinLines = 8;

}  // namespace octet::benchmarks
