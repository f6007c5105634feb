// Decoding where a test says what the model writes: the loop, the rules and the way out are the real ones.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bytemodel/control_bytes.h"
#include "engine/decode/decode_loop.h"
#include "tests/support/scripted_runner.h"

namespace octet::tests {

/// Chooses the bytes of a script, in order, and kEnd behind it. A byte that is not allowed is left out.
class ForcedChooser final : public engine::ByteChooser {
 public:
  explicit ForcedChooser(std::string script, std::vector<float> probabilities = {})
      : script_(std::move(script)), probabilities_(std::move(probabilities)) {}

  std::optional<engine::Choice> choose(engine::LogitsRow, const engine::ByteMask& allowed) override {
    while (n_written_ < script_.size() && !allowed[static_cast<std::uint8_t>(script_[n_written_])]) script_.erase(n_written_, 1);
    n_chosen_ = n_written_;
    if (n_written_ < script_.size()) {
      if (static_cast<std::uint8_t>(script_[n_written_]) != kEnd) ++n_chosen_;
      const float probability = n_written_ < probabilities_.size() ? probabilities_[n_written_] : 1.0F;
      return engine::Choice{static_cast<std::uint8_t>(script_[n_written_]), probability};
    }
    // A character that the script leaves open ends as the lowest byte says.
    for (const std::uint8_t byte : {std::uint8_t{kEnd}, std::uint8_t{0x80}, std::uint8_t{0x90}, std::uint8_t{0xA0}}) {
      if (!allowed[byte]) continue;
      if (byte != kEnd) script_ += static_cast<char>(byte), ++n_chosen_;
      return engine::Choice{byte, 1.0F};
    }
    return std::nullopt;
  }
  void advance(std::uint8_t) override { ++n_written_; }
  std::unique_ptr<engine::ByteChooser> look_ahead() override { return nullptr; }
  std::optional<engine::Choice> guess(const engine::ByteMask&) override { return std::nullopt; }

  /// The bytes chosen so far, but for the end.
  std::string written() const { return script_.substr(0, n_chosen_); }

 private:
  std::string script_;
  std::vector<float> probabilities_;
  std::size_t n_written_ = 0;
  std::size_t n_chosen_ = 0;
};

/// One cache for many texts.
class ForcedDecoder {
 public:
  engine::DecodeOutcome decode(engine::ByteChooser& chooser, const engine::TextRules& rules, std::size_t max_bytes,
                               const std::function<void(std::string_view)>& on_text) {
    cache_->truncate(0);
    const auto row = runner_.forward(prompt_, *cache_, engine::ModelRunner::Rows::kLast)[0];
    const auto first = chooser.choose(row, engine::Utf8State().allowed());
    const engine::DecodeTask task{*cache_, 0, *first, chooser, drafter_, rules, max_bytes, false, interrupt_, on_text};
    return std::move(engine::decode_batch(runner_, {&task, 1})[0]);
  }

 private:
  /// Rows that nobody reads.
  class Runner final : public engine::ModelRunner {
   public:
    using ModelRunner::forward;
    Runner() { config_.max_context = 4096; }
    const bytemodel::ModelConfig& config() const override { return config_; }
    const char* device() const override { return "test"; }
    const char* isa() const override { return "forced"; }
    std::size_t max_batch() const override { return 8; }
    std::unique_ptr<engine::KvCache> new_cache() const override { return std::make_unique<Cache>(4096 + 8); }
    void copy_cache(const engine::KvCache&, engine::KvCache&) const override {}
    engine::LogitsRows forward(std::span<const Piece> pieces, Rows) override {
      pieces[0].cache->append(pieces[0].bytes);
      return {logits_.data(), pieces[0].bytes.size()};
    }
    engine::LogitsRow next_draft(std::uint8_t) override { return engine::LogitsRows(logits_.data(), 1)[0]; }
    void begin_draft(std::size_t, const engine::KvCache&) override {}

   private:
    class Cache final : public engine::KvCache {
     public:
      explicit Cache(std::size_t capacity) : KvCache(capacity) {}
    };
    bytemodel::ModelConfig config_;
    std::vector<float> logits_ = std::vector<float>(8 * engine::kVocabulary);
  };

  const std::vector<std::uint8_t> prompt_{'x'};
  Runner runner_;
  std::unique_ptr<engine::KvCache> cache_ = runner_.new_cache();
  engine::NoDrafter drafter_;
  const engine::Interrupt interrupt_;
};

}  // namespace octet::tests
