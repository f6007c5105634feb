// Drafters that show whether the output depends on who drafts: random, always right, always wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/decode/drafter.h"

namespace octet::tests {

/// Any bytes that keep the text well-formed, any number of them.
class RandomDrafter final : public engine::Drafter {
 public:
  explicit RandomDrafter(std::uint32_t seed) : random_(seed) {}

  void propose(const engine::DraftPoint& point, std::size_t max_bytes, engine::Draft& draft) override {
    draft = {};
    engine::Utf8State state = point.after_own;
    const std::size_t n = std::min<std::size_t>(max_bytes, random_() % 6);
    while (draft.bytes.size() < n) {
      const auto byte = static_cast<std::uint8_t>(random_());
      if (!state.allowed()[byte]) continue;
      state.advance(byte);
      draft.bytes.push_back(byte);
    }
  }

 private:
  std::mt19937 random_;
};

/// Knows the plain greedy text of the completion it drafts for, and proposes it, or never does.
class OracleDrafter final : public engine::Drafter {
 public:
  enum class Habit { kAlwaysRight, kAlwaysWrong };
  OracleDrafter(Habit habit, std::size_t n) : habit_(habit), n_(n) {}

  /// The text, and the length of the prompt that it follows.
  void expect(std::string truth, std::size_t prompt_bytes) {
    truth_ = std::move(truth);
    prompt_bytes_ = prompt_bytes;
  }

  void propose(const engine::DraftPoint& point, std::size_t max_bytes, engine::Draft& draft) override {
    draft = {};
    const std::size_t begin = point.cache.length() - prompt_bytes_ + 1;
    for (std::size_t i = begin; i < truth_.size() && draft.bytes.size() < std::min(n_, max_bytes); ++i) {
      const auto right = static_cast<std::uint8_t>(truth_[i]);
      draft.bytes.push_back(habit_ == Habit::kAlwaysRight ? right : right == 'x' ? std::uint8_t{'y'} : std::uint8_t{'x'});
    }
  }

 private:
  Habit habit_;
  std::size_t n_;
  std::string truth_;
  std::size_t prompt_bytes_ = 0;
};

}  // namespace octet::tests
