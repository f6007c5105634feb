// The way out of certain bytes: whole characters, the rules, line ends, the budget, the reader.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/completion.h"
#include "engine/decode/text_rules.h"
#include "engine/decode/utf8_gate.h"

namespace octet::engine {

/// One completion's.
class Emitter {
 public:
  struct Options {
    const TextRules& rules;  // none: all text may leave
    std::size_t max_bytes;   // of what the model writes
    bool use_crlf;           // a line feed leaves as CR LF
    const std::function<void(std::string_view)>& on_text;
  };
  explicit Emitter(const Options& options) : options_(options), n_read_(options.rules.size()) {}

  /// Takes the next byte of the completion; returns why the completion ends here, if it does.
  std::optional<StopReason> push(const Choice& choice);

  /// The completion ends from outside. Returns why it ends: a rule may have found a reason in what was held. Not after push()
  /// gave one.
  StopReason end(StopReason reason);

  std::size_t room() const { return options_.max_bytes - n_bytes_; }
  /// Of the text that left; 0 where there is none.
  double confidence() const { return text_.empty() ? 0 : confidence_; }
  std::string take_text() { return std::move(text_); }
  std::vector<SourceRun> take_sources() { return std::move(sources_); }
  std::vector<float> take_probabilities() { return std::move(probabilities_); }

 private:
  struct Character {
    std::array<Choice, 4> bytes;
    std::size_t n_bytes = 0;

    double probability() const;
  };

  std::optional<StopReason> pass(std::size_t rule_idx, std::size_t end);
  StopReason end_from(std::size_t rule_idx, StopReason reason);
  void release();
  void write(const Choice& choice);

  Options options_;
  Utf8Gate gate_;
  Character unfinished_;
  std::vector<Character> characters_;
  std::vector<std::size_t> n_read_;  // characters, by each rule
  std::size_t n_passed_ = 0;         // characters, by all rules
  std::size_t n_released_ = 0;       // characters that left
  std::size_t n_bytes_ = 0;
  double confidence_ = 1;  // product over text_
  std::string text_;
  std::vector<SourceRun> sources_;
  std::vector<float> probabilities_;
};

}  // namespace octet::engine
