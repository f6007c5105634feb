// Texts in which contexts are looked up: those of the workspace, or the one before the cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/memory/context.h"

namespace octet::engine {

/// A place in a corpus: it predicts text(text_idx)[position]. Text 0 is the newest.
struct Place {
  std::uint32_t text_idx = 0;
  std::uint32_t position = 0;

  bool operator==(const Place&) const = default;
  /// The newer text first, and in a text what stands later.
  bool is_newer_than(const Place& other) const {
    return text_idx != other.text_idx ? text_idx < other.text_idx : position > other.position;
  }
};

/// How near the file of a place is to the document.
struct Nearness {
  bool same_folder = false;
  bool same_ending = false;
};

/// Does not change while a request uses it; then safe on any thread.
class Corpus {
 public:
  virtual ~Corpus() = default;
  virtual std::string_view text(std::uint32_t text_idx) const = 0;
  /// The newest places, at most `limit`, whose context of `kind` is the one at the end of `context`; into `places`, newest first. None
  /// for a kind that the corpus has no lists of. Of kPhrase a hash of 32 bits is compared, of the others the bytes.
  virtual void find(ContextKind kind, std::string_view context, std::size_t limit, std::vector<Place>& places) const = 0;
  virtual Nearness nearness(Place /*place*/) const { return {}; }
};

}  // namespace octet::engine
