// Patterns for paths, as the settings of editors have them.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"

namespace octet::lsp {

/// `*` any run without '/', `**` any run, `**/` any folders or none, `?` one byte but '/', `[a-z]` and `[!a-z]` one byte of a set or out of
/// it, `{a,b}` either. A pattern without '/' is compared with the last component of a path. A value; matching takes time in proportion to
/// the product of the lengths.
class Glob {
 public:
  /// Fails with kInvalidArgument: a bracket or brace that is not closed, a brace within one, longer than kMaxBytes, more than kMaxChoices.
  static Result<Glob> parse(std::string_view pattern);

  bool matches(std::string_view path) const;

  static constexpr std::size_t kMaxBytes = 512;
  static constexpr std::size_t kMaxChoices = 64;

 private:
  struct Token {
    enum class Kind { kSet, kRun, kAnything, kFolders } kind;
    std::array<bool, 256> set{};  // kSet: what one byte may be
  };
  using Choice = std::vector<Token>;

  static Result<Choice> tokens_of(std::string_view pattern);
  static bool matches(const Choice& choice, std::string_view path);

  std::vector<Choice> choices_;
  bool is_for_names_ = false;
};

}  // namespace octet::lsp
