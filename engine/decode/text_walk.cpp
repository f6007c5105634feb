#include "engine/decode/text_walk.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"
#include "engine/context/prompt_builder.h"

namespace octet::engine {
namespace {

/// Behind text[0..cursor) alone.
std::vector<std::uint8_t> prompt_before(const DocumentSnapshot& document, std::size_t cursor, std::size_t budget) {
  DocumentSnapshot before = document;
  before.text = std::make_shared<const std::string>(document.view().substr(0, cursor));
  return build_prompt(before, cursor, budget);
}

}  // namespace

void walk_text(ModelRunner& runner, const DocumentSnapshot& document, std::size_t n_bytes,
               const std::function<void(std::size_t offset, LogitsRow row)>& visit) {
  const std::string_view text = document.view();
  OCTET_CHECK(n_bytes <= text.size());
  const auto max_context = static_cast<std::size_t>(runner.config().max_context);
  const auto cache = runner.new_cache();
  std::vector<std::uint8_t> chunk;
  for (std::size_t offset = 0; offset < n_bytes;) {
    const std::vector<std::uint8_t> known = prompt_before(document, offset, max_context * 2 / 3);
    cache->truncate(0);
    std::optional<LogitsRow> row;
    while (cache->length() < known.size()) {
      const auto rest = std::span(known).subspan(cache->length());
      row = runner.forward(rest.first(std::min(runner.max_prefill(), rest.size())), *cache, ModelRunner::Rows::kLast)[0];
    }
    visit(offset++, *row);
    while (offset < n_bytes && cache->room() > 0 && cache->length() < max_context) {
      const std::size_t n = std::min({runner.max_batch(), n_bytes - offset, max_context - cache->length()});
      chunk.assign(text.begin() + static_cast<std::ptrdiff_t>(offset) - 1, text.begin() + static_cast<std::ptrdiff_t>(offset + n) - 1);
      std::replace_if(chunk.begin(), chunk.end(), is_control_byte, std::uint8_t{'?'});
      const auto rows = runner.forward(chunk, *cache, ModelRunner::Rows::kAll);
      for (std::size_t i = 0; i < n; ++i) visit(offset++, rows[i]);
    }
  }
}

}  // namespace octet::engine
