#include "benchmarks/quality/soundness.h"

#include <algorithm>
#include <string_view>

#include "benchmarks/report.h"
#include "engine/context/document.h"
#include "engine/syntax/written_text.h"

namespace octet::benchmarks {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string_view first_line(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  return line.substr(0, line.find_last_not_of(kBlank) + 1);
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<std::size_t>(p * static_cast<double>(values.size())))];
}

/// Where it ends with a closer that stands behind the cursor as well, the text without it; else nothing.
std::string_view without_repeated_closer(std::string_view text, std::string_view behind) {
  const std::size_t last = text.find_last_not_of(kBlank);
  const std::size_t next = behind.find_first_not_of(kBlank);
  if (last == std::string_view::npos || next == std::string_view::npos || text[last] != behind[next]) return {};
  return std::string_view(")]}\"'`").find(text[last]) == std::string_view::npos ? std::string_view() : text.substr(0, last);
}

}  // namespace

void Soundness::add(const engine::CompletionRequest& request, const engine::CompletionResult& result, const std::string& truth) {
  const auto* language = engine::find_language(request.document.language, request.document.path);
  if (language == nullptr) return;
  engine::SyntaxTree tree(*language);
  tree.update(request.document.text, [] { return false; });
  engine::WrittenText written(tree, request.cursor);
  const auto n_errors = [&](std::string_view text) { return written.n_errors(text).value_or(0); };
  const std::size_t n_before = n_errors("");
  const std::size_t n_with = n_errors(result.text);
  ++n_completions_;
  n_with_text_ += result.text.empty() ? 0 : 1;
  n_new_errors_ += n_with > n_before ? 1 : 0;
  n_truth_new_errors_ += n_errors(truth) > n_before ? 1 : 0;
  const auto shorter = without_repeated_closer(result.text, request.document.view().substr(request.cursor));
  if (!shorter.empty() && n_errors(shorter) < n_with) ++n_duplicated_closers_;
  n_exact_lines_ += first_line(result.text) == first_line(truth) ? 1 : 0;
  const auto n_right = static_cast<std::size_t>(std::ranges::mismatch(result.text, truth).in1 - result.text.begin());
  n_right_bytes_ += n_right;
  n_wrong_bytes_ += result.text.size() - n_right;
  syntax_ms_.push_back(result.times.syntax);
  context_ms_.push_back(result.times.context);
}

Soundness& Soundness::operator+=(const Soundness& other) {
  n_completions_ += other.n_completions_;
  n_with_text_ += other.n_with_text_;
  n_new_errors_ += other.n_new_errors_;
  n_truth_new_errors_ += other.n_truth_new_errors_;
  n_duplicated_closers_ += other.n_duplicated_closers_;
  n_exact_lines_ += other.n_exact_lines_;
  n_right_bytes_ += other.n_right_bytes_;
  n_wrong_bytes_ += other.n_wrong_bytes_;
  syntax_ms_.insert(syntax_ms_.end(), other.syntax_ms_.begin(), other.syntax_ms_.end());
  context_ms_.insert(context_ms_.end(), other.context_ms_.begin(), other.context_ms_.end());
  return *this;
}

void Soundness::print_table() const {
  print(stdout,
        "{} completions, {} with text: new errors in {} (the truth: {}), duplicated closers in {}; {} lines exact, {} bytes right, {} "
        "wrong\n",
        n_completions_, n_with_text_, n_new_errors_, n_truth_new_errors_, n_duplicated_closers_, n_exact_lines_, n_right_bytes_,
        n_wrong_bytes_);
  print(stdout, "the tree takes {:.2f} ms (p50), {:.2f} ms (p99)\n", percentile(syntax_ms_, 0.5), percentile(syntax_ms_, 0.99));
}

nlohmann::json Soundness::json() const {
  const auto times = [](const std::vector<double>& ms) {
    return nlohmann::json{{"p50", percentile(ms, 0.5)}, {"p99", percentile(ms, 0.99)}};
  };
  return {{"completions", n_completions_},
          {"with_text", n_with_text_},
          {"new_errors", n_new_errors_},
          {"truth_new_errors", n_truth_new_errors_},
          {"duplicated_closers", n_duplicated_closers_},
          {"exact_lines", n_exact_lines_},
          {"right_bytes", n_right_bytes_},
          {"wrong_bytes", n_wrong_bytes_},
          {"syntax_ms", times(syntax_ms_)},
          {"context_ms", times(context_ms_)}};
}

}  // namespace octet::benchmarks
