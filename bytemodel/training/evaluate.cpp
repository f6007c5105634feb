#include "bytemodel/training/evaluate.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/control_bytes.h"
#include "bytemodel/training/batch.h"
#include "bytemodel/training/generate.h"
#include "bytemodel/training/random.h"

namespace octet::bytemodel::training {
namespace {

// Far from the indices that training draws: with a corpus as its own held-out text, other windows are scored.
constexpr std::uint64_t kFirstSequence = std::uint64_t{1} << 40;

/// Where a line, or the model's answer for one, ends.
std::string first_line(const std::string& text) { return text.substr(0, text.find_first_of(std::string{'\n', static_cast<char>(kEnd)})); }

Result<void> score_heads(const Network& network, const Dataset& data, std::size_t language_idx, int n_sequences, const WorkerTeam& team,
                         HeadSums& sums) {
  std::vector<HeadSums> parts(static_cast<std::size_t>(team.size()), HeadSums(network.config().n_predict));
  std::vector<Error> errors(parts.size(), Error{ErrorCode::kUnreadable, ""});
  team.run([&](int worker) {
    const auto at = static_cast<std::size_t>(worker);
    for (int i = worker; i < n_sequences; i += team.size()) {
      const Result<std::string> sequence = data.sequence(kFirstSequence + static_cast<std::uint64_t>(i), language_idx);
      if (!sequence) {
        errors[at] = sequence.error();
        return;
      }
      network.evaluate(as_batch(*sequence), parts[at]);
    }
  });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!errors[i].message.empty()) return tl::unexpected(errors[i]);
    sums += parts[i];
  }
  return {};
}

struct Cursor {
  std::string prompt;
  std::string rest_of_line;
};

Result<std::vector<Cursor>> draw_cursors(const Dataset& data, std::size_t language_idx, const EvaluateOptions& options) {
  std::vector<Cursor> cursors;
  const auto length = static_cast<std::size_t>(options.n_prompt_bytes);
  for (std::uint64_t i = 0; cursors.size() < static_cast<std::size_t>(options.n_cursors) && i < 1000; ++i) {
    Result<std::string> sequence = data.sequence(kFirstSequence + i, language_idx);
    if (!sequence) return tl::unexpected(sequence.error());
    // Only sequences whose first sample is longer than prompt and line: a cursor stands in one document.
    const std::string rest = first_line(sequence->substr(length));
    const bool is_one_document = sequence->find(static_cast<char>(kFile), 1) > length + rest.size();
    if (!is_one_document || rest.empty() || rest.size() > static_cast<std::size_t>(options.n_generated_bytes)) continue;
    cursors.push_back({sequence->substr(0, length), rest});
  }
  return cursors;
}

void score_drafting(const Network& network, const std::vector<Cursor>& cursors, const EvaluateOptions& options, const WorkerTeam& team,
                    LanguageScore& score) {
  std::vector<LanguageScore> parts(static_cast<std::size_t>(team.size()));
  team.run([&](int worker) {
    LanguageScore& part = parts[static_cast<std::size_t>(worker)];
    std::vector<std::string> prompts;
    std::vector<std::string> lines;
    for (std::size_t i = static_cast<std::size_t>(worker); i < cursors.size(); i += static_cast<std::size_t>(team.size())) {
      prompts.push_back(cursors[i].prompt);
      lines.push_back(cursors[i].rest_of_line);
    }
    const std::vector<Generated> all = generate(network, prompts, options.n_generated_bytes, /*use_cell=*/true);
    for (std::size_t i = 0; i < all.size(); ++i) {
      part.n_accepted_bytes += static_cast<std::int64_t>(all[i].text.size());
      part.n_steps += all[i].n_steps;
      part.n_exact += first_line(all[i].text) == lines[i] ? 1 : 0;
      ++part.n_cursors;
    }
  });
  for (const LanguageScore& part : parts) {
    score.n_accepted_bytes += part.n_accepted_bytes;
    score.n_steps += part.n_steps;
    score.n_exact += part.n_exact;
    score.n_cursors += part.n_cursors;
  }
}

}  // namespace

Result<std::vector<LanguageScore>> evaluate(const Network& network, const Dataset& data, const EvaluateOptions& options,
                                            const WorkerTeam& team) {
  const ModelConfig& config = network.config();
  const int n_needed = options.n_prompt_bytes + options.n_generated_bytes + config.n_predict;
  if (data.options().context > static_cast<std::size_t>(config.max_context) || (options.n_cursors > 0 && n_needed > config.max_context)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("max_context: expected a model for at least {} bytes, found {}",
                                                         std::max(static_cast<int>(data.options().context), n_needed), config.max_context));
  }
  std::vector<LanguageScore> scores;
  for (std::size_t language = 0; language < data.languages().size(); ++language) {
    LanguageScore& score = scores.emplace_back();
    score.language = data.languages()[language];
    score.sums = HeadSums(config.n_predict);
    if (const Result<void> done = score_heads(network, data, language, options.n_sequences, team, score.sums); !done)
      return tl::unexpected(done.error());
    const Result<std::vector<Cursor>> cursors = draw_cursors(data, language, options);
    if (!cursors) return tl::unexpected(cursors.error());
    if (!cursors->empty()) score_drafting(network, *cursors, options, team, score);
  }
  return scores;
}

LanguageScore total(const std::vector<LanguageScore>& scores, int n_predict) {
  LanguageScore all;
  all.language = "all";
  all.sums = HeadSums(n_predict);
  for (const LanguageScore& score : scores) {
    all.sums += score.sums;
    all.n_accepted_bytes += score.n_accepted_bytes;
    all.n_steps += score.n_steps;
    all.n_exact += score.n_exact;
    all.n_cursors += score.n_cursors;
  }
  return all;
}

std::string to_table(const std::vector<LanguageScore>& scores, int n_predict) {
  std::string out = fmt::format("{:<12}", "language");
  for (int head = 1; head <= n_predict; ++head) out += fmt::format("{:>8}", fmt::format("head {}", head));
  out += fmt::format("{:>12}{:>12}\n", "bytes/step", "exact lines");
  std::vector<LanguageScore> rows = scores;
  rows.push_back(total(scores, n_predict));
  for (const LanguageScore& row : rows) {
    out += fmt::format("{:<12}", row.language);
    for (int head = 0; head < n_predict; ++head) out += fmt::format("{:>8.3f}", row.sums.bits_per_byte(head));
    out += fmt::format("{:>12.2f}{:>12}\n", row.accepted_per_step(), fmt::format("{}/{}", row.n_exact, row.n_cursors));
  }
  return out;
}

std::string to_json(const std::vector<LanguageScore>& scores, int n_predict) {
  std::vector<LanguageScore> rows = scores;
  rows.push_back(total(scores, n_predict));
  auto out = nlohmann::ordered_json::object();
  for (const LanguageScore& row : rows) {
    auto bits = nlohmann::ordered_json::array();
    for (int head = 0; head < n_predict; ++head) bits.push_back(row.sums.bits_per_byte(head));
    out[row.language] = {{"bits_per_byte", bits},
                         {"accepted_per_step", row.accepted_per_step()},
                         {"exact_lines", row.n_exact},
                         {"cursors", row.n_cursors},
                         {"bytes", row.sums.n_bytes.empty() ? 0 : row.sums.n_bytes.front()}};
  }
  return out.dump(2);
}

}  // namespace octet::bytemodel::training
