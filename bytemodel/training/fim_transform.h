// A document becomes a training sample in the form of the engine's prompts (FORMAT.md, "Vocabulary"):
//   plain:  kFile path \n kPrefix text [kEnd]
//   middle: kFile path \n [kSuffix suffix] kPrefix prefix middle kEnd
// Source: Bavarian et al. 2022 (fill in the middle), the SPM order.
#pragma once

#include <string>
#include <string_view>

#include "bytemodel/training/random.h"

namespace octet::bytemodel::training {

struct SampleLimits {
  std::size_t max_bytes = 0;         // of the sample, at least kMinSampleBytes
  std::size_t max_suffix_bytes = 0;  // what the engine will show at most
};

/// Room for a path, the control bytes and a few bytes of text.
inline constexpr std::size_t kMinSampleBytes = 128;

/// The last two components of a path, cut to the last 80 bytes.
std::string short_path(std::string_view path);

/// The text from a random line on; it ends with kEnd when the document's end is in it.
std::string plain_sample(std::string_view path, std::string_view text, const SampleLimits& limits, Random& random);

/// A random cursor: what stands before it, what stands behind the middle, and the middle. Middles end at a line's end more
/// often than not; no piece begins or ends inside a character.
std::string middle_sample(std::string_view path, std::string_view text, const SampleLimits& limits, Random& random);

}  // namespace octet::bytemodel::training
