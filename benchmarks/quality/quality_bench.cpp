#include "benchmarks/quality/quality_bench.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "benchmarks/page/page.h"
#include "benchmarks/quality/boilerplate.h"
#include "benchmarks/quality/places.h"
#include "benchmarks/quality/quality_table.h"
#include "benchmarks/quality/scores.h"
#include "benchmarks/quality/suggesting_editor.h"
#include "benchmarks/report.h"
#include "bytemodel/sha256.h"
#include "engine/completer.h"
#include "engine/decode/text_walk.h"
#include "engine/memory/document_memory.h"
#include "engine/memory/workspace_files.h"
#include "engine/model/open_runner.h"
#include "engine/syntax/language.h"

namespace octet::benchmarks {
namespace {

using engine::ByteMask;
using Length = WatchedDrafter::Length;

/// T(m) is told up to here.
constexpr std::size_t kToldSteps = 16;

class QualityBench {
 public:
  QualityBench(const QualityOptions& options, engine::OpenedModel model)
      : options_(options),
        mixer_(model.mixer),
        drafter_(new WatchedDrafter(*model.runner, model.costs)),
        completer_(std::move(model.runner), std::move(model.costs), std::unique_ptr<engine::Drafter>(drafter_), mixer_) {
    allowed_.fill(true);
  }

  Result<void> open_workspace() {
    auto snapshot = std::make_shared<engine::WorkspaceSnapshot>();
    if (options_.workspace != "none") {
      root_ = options_.workspace;
      auto listed = engine::list_workspace_files(root_, {});
      if (!listed) return tl::unexpected(listed.error());
      // The index has a budget, and what changed last comes first; here everything is in, and a copy of the folder gives the same texts.
      std::ranges::sort(*listed, {}, [](const auto& file) { return file.path; });
      for (const auto& file : *listed) {
        if (auto text = engine::read_workspace_file(root_, file.path)) {
          files_.push_back({file.path, std::make_shared<const std::string>(std::move(*text))});
        }
      }
      snapshot->parts.push_back({std::make_shared<const engine::TextSegment>(files_), {}});
    }
    snapshot_ = snapshot;
    return {};
  }

  Result<std::vector<FileScore>> run() {
    const Boilerplate boilerplate(files_);
    std::vector<FileScore> scores;
    std::mt19937_64 random(options_.seed);
    std::mt19937_64 random_passages(options_.seed);  // of its own: the other places stay what they were
    for (const auto& path : options_.files) {
      std::ifstream in(path, std::ios::binary);
      SourceFile file;
      file.text.assign(std::istreambuf_iterator<char>(in), {});
      if (!in || file.text.empty()) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read, or is empty", path.string()));
      file.path = options_.workspace == "none" ? path.string() : std::filesystem::proximate(path, root_).string();
      file.ending = path.extension();
      const auto* language = engine::find_language("", file.path);
      FileScore& result = scores.emplace_back(FileScore{file.path, language == nullptr ? "other" : std::string(language->name), {}});
      if (options_.bytes > 0) predict(file, boilerplate, result.score);
      complete_lines(file, random, result.score);
      complete_text(file, random, result.score);
      complete_as_in_editor(file, random, result.score);
      if (options_.replay_bytes > 0) type_passage(file, random_passages, result.score);
    }
    return scores;
  }

  std::size_t workspace_bytes() const {
    std::size_t n = 0;
    for (const auto& file : files_) n += file.text->size();
    return n;
  }
  /// Of all texts: the same where two runs wrote the same.
  std::string take_text_hash() { return bytemodel::to_hex(text_hash_.finish()); }

 private:
  engine::DocumentSnapshot document(const SourceFile& file, std::string text) const {
    engine::DocumentSnapshot snapshot;
    snapshot.uri = file.path;
    snapshot.path = file.path;
    snapshot.text = std::make_shared<const std::string>(std::move(text));
    return snapshot;
  }

  /// What all requests have in common.
  engine::CompletionRequest request_at(const SourceFile& file, std::string text, std::size_t cursor) const {
    engine::CompletionRequest request;
    request.document = document(file, std::move(text));
    request.cursor = cursor;
    request.use_syntax = options_.use_syntax;
    request.workspace = snapshot_;
    request.workspace_path = file.path;
    return request;
  }

  /// Each byte behind all before it.
  void predict(const SourceFile& file, const Boilerplate& boilerplate, Score& score) {
    const std::vector<bool> marks = boilerplate.mark(file);
    engine::DocumentMemory memory;
    engine::MemoryState state = memory.at("", 0, file.path, snapshot_);
    engine::Stopwatch stopwatch;
    double mix_ms = 0;
    const auto visit = [&](std::size_t offset, engine::LogitsRow row) {
      const auto byte = static_cast<std::uint8_t>(file.text[offset]);
      const double before = stopwatch.elapsed_ms();
      const engine::NetRow net(row, allowed_);
      const engine::MixerInput input(net, state.evidence());
      std::array<float, engine::Evidence::kMostBytes> boosts{};
      mixer_->boosts(input, boosts);
      const engine::Mixture mixture(net, input, boosts);
      const std::uint8_t best = mixture.best().byte;
      mix_ms += stopwatch.elapsed_ms() - before;
      Bits bits;
      bits.n = 1;
      bits.net = -static_cast<double>(net.log_probability(byte)) / std::log(2.0);
      bits.mixed = -std::log2(std::max(static_cast<double>(mixture.probability(byte)), 1e-12));
      bits.net_right = net.best == byte ? 1 : 0;
      bits.mixed_right = best == byte ? 1 : 0;
      score.all += bits;
      if (!marks[offset]) score.without_boilerplate += bits;
      const double moving = stopwatch.elapsed_ms();
      memory.type(state, file.text[offset]);
      mix_ms += stopwatch.elapsed_ms() - moving;
    };
    engine::walk_text(completer_.mutable_runner(), document(file, file.text), std::min(options_.bytes, file.text.size()), visit);
    score.mix_ms += mix_ms;
  }

  engine::CompletionResult complete(const engine::CompletionRequest& request) {
    auto result = completer_.complete(request, {}, {});
    hash(result.text);
    return result;
  }

  void hash(std::string_view text) {
    text_hash_.add(text);
    text_hash_.add(std::string_view("\0", 1));  // where it ends
  }

  /// With the memory and without.
  template <class Ask>
  void with_and_without_memory(Score& score, engine::CompletionRequest request, const Ask& ask) {
    for (const bool with_memory : {true, false}) {
      request.workspace = with_memory ? snapshot_ : nullptr;
      ask(request, with_memory ? score.with_memory : score.net_alone);
    }
  }

  /// Cursors inside lines; what stood behind the cursor on its line, or to the end of its block, is taken away and asked for.
  void complete_lines(const SourceFile& file, std::mt19937_64& random, Score& score) {
    for (std::size_t i = 0; i < options_.cursors; ++i) {
      const Gap line = random_line_rest(file.text, random);
      if (line.is_empty()) continue;
      for (const bool is_line : {true, false}) {
        const Gap gap = is_line ? line : block_at(file.text, line.begin);
        auto request = request_at(file, gap.rest(file.text), gap.begin);
        request.limits.max_bytes = is_line ? 160 : 256;
        request.multiline = is_line ? engine::Multiline::kNever : engine::Multiline::kAlways;
        with_and_without_memory(score, request, [&](const engine::CompletionRequest& asked, Work& work) {
          drafter_->watch(Length::kPaying, work.chosen_drafts);
          (is_line ? work.lines : work.blocks).add(complete(asked).text, gap.truth(file.text));
        });
      }
    }
  }

  /// Text of 200 bytes at line starts, drafted, drafted as far as the heads reach, and plain: the same bytes are expected.
  void complete_text(const SourceFile& file, std::mt19937_64& random, Score& score) {
    for (std::size_t i = 0; i < options_.completions; ++i) {
      const std::size_t near = random() % file.text.size();
      const std::size_t cursor = std::min(file.text.find('\n', near), file.text.size() - 1) + 1;
      auto request = request_at(file, file.text.substr(0, cursor), cursor);
      request.limits.max_bytes = 200;
      request.raw = true;
      with_and_without_memory(score, request, [&](engine::CompletionRequest asked, Work& work) {
        drafter_->watch(Length::kPaying, work.chosen_drafts);
        const auto drafted = complete(asked);
        work.bytes += drafted.counts.steps + drafted.counts.accepted;
        work.steps += drafted.counts.steps;
        work.decode_ms += drafted.times.decode;
        drafter_->watch(Length::kLongest, work.longest_drafts);
        const auto longest = complete(asked);
        asked.use_draft = false;
        const auto plain = complete(asked);
        ++score.compared;
        if (plain.text != drafted.text || plain.text != longest.text) ++score.differing;
      });
    }
  }

  /// As an editor asks: with the text behind the cursor, but for the rest of its line and, one time in three, one to four lines
  /// more, which are the truth.
  void complete_as_in_editor(const SourceFile& file, std::mt19937_64& random, Score& score) {
    drafter_->watch(Length::kPaying, score.with_memory.chosen_drafts);
    for (std::size_t i = 0; i < options_.editor_cursors; ++i) {
      const std::size_t cursor = random() % file.text.size();
      const std::size_t n_more_lines = random() % 3 == 0 ? 1 + random() % 4 : 0;
      Gap gap{cursor, std::min(file.text.find('\n', cursor), file.text.size())};
      const bool is_inside_character = (static_cast<unsigned char>(file.text[cursor]) & 0xC0) == 0x80;
      if (is_inside_character || gap.truth(file.text).find_first_not_of(" \t\r") == std::string::npos) continue;
      for (std::size_t line = 0; line < n_more_lines; ++line) gap.end = std::min(file.text.find('\n', gap.end + 1), file.text.size());
      std::string text = gap.rest(file.text);
      if (options_.auto_close) text.insert(cursor, closers_of(engine::line_before(file.text, cursor)));
      auto request = request_at(file, std::move(text), cursor);
      request.limits.min_confidence = options_.min_confidence.value_or(0);
      const auto result = complete(request);
      const std::string truth = gap.truth(file.text);
      score.reliability.add(file.path, cursor, result, truth);
      score.soundness.add(request, result, truth);
    }
  }

  /// A person types a passage anew, in front of what follows it.
  void type_passage(const SourceFile& file, std::mt19937_64& random, Score& score) {
    const Gap passage = random_passage(file.text, options_.replay_bytes, random);
    if (passage.is_empty()) return;
    drafter_->watch(Length::kPaying, score.with_memory.chosen_drafts);
    auto request = request_at(file, passage.rest(file.text), passage.begin);
    request.limits.min_confidence = options_.min_confidence.value_or(engine::kEditorMinConfidence);
    SuggestingEditor editor(completer_, std::move(request));
    const auto suggest = [&](std::string_view written) {
      std::string text = editor.suggestion(written);
      hash(text);
      return text;
    };
    type_text(passage.truth(file.text), suggest, score.replay.typing);
    score.replay.computed += editor.n_computed();
    score.replay.from_memory += editor.n_from_memory();
  }

  const QualityOptions& options_;
  std::shared_ptr<const engine::Mixer> mixer_;
  WatchedDrafter* drafter_;  // the completer's
  engine::Completer completer_;
  std::filesystem::path root_;
  std::vector<engine::SegmentFile> files_;
  std::shared_ptr<const engine::WorkspaceSnapshot> snapshot_;
  ByteMask allowed_;
  bytemodel::Sha256 text_hash_;
};

}  // namespace

int run_quality(const QualityOptions& options) {
  engine::RunnerOptions runner;
  runner.model = options.model;
  runner.mixer = options.mixer;
  runner.threads = options.threads;
  auto model = engine::open_runner(runner);
  if (!model) return print(stderr, "octet-bench quality: {}\n", model.error().message), 1;
  if (!model->mixer) return print(stderr, "octet-bench quality: no mixer was found; name one with --mixer\n"), 1;
  const engine::ModelInfo info = model->info;
  auto step_ms = nlohmann::json::array();
  for (std::size_t m = 1; m <= kToldSteps; ++m) step_ms.push_back(model->costs.verify_ms(m));
  const double draft_ms = model->costs.draft_ms();
  QualityBench bench(options, std::move(*model));
  if (const auto opened = bench.open_workspace(); !opened) return print(stderr, "octet-bench quality: {}\n", opened.error().message), 1;
  const auto files = bench.run();
  if (!files) return print(stderr, "octet-bench quality: {}\n", files.error().message), 1;

  const Score total = sum(*files);
  nlohmann::json result = total.json(/*has_completions=*/true);
  result["verb"] = "quality";
  result["environment"] = environment(info.isa, info.threads);
  result["model"] = info.name;
  result["sha256"] = info.sha256;
  result["seed"] = options.seed;
  result["files"] = files->size();
  result["workspace_bytes"] = bench.workspace_bytes();
  result["text_hash"] = bench.take_text_hash();
  result["step_ms"] = std::move(step_ms);
  result["draft_ms"] = draft_ms;
  result["typing"] = {{"key_ms", kKeyMs},
                      {"notice_ms", kNoticeMs},
                      {"read_ms", kReadMs},
                      {"bytes", options.replay_bytes},
                      {"min_confidence", options.min_confidence.value_or(engine::kEditorMinConfidence)}};
  for (const auto& [language, score] : by_language(*files)) result["languages"][language] = score.json(/*has_completions=*/false);
  result["figures"] = to_json(figures(*files));
  print_quality(total, by_language(*files));
  if (!write_json(options.json, result, "quality") || !write_page(options.html, result, "quality")) return 1;
  return total.differing == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks
