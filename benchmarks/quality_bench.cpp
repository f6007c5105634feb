#include "benchmarks/quality_bench.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "benchmarks/reliability.h"
#include "benchmarks/report.h"
#include "benchmarks/soundness.h"
#include "engine/completer.h"
#include "engine/decode/bracket_reader.h"
#include "engine/decode/text_walk.h"
#include "engine/memory/document_memory.h"
#include "engine/memory/workspace_files.h"
#include "engine/model/open_runner.h"

namespace octet::benchmarks {
namespace {

using engine::ByteMask;
using Snapshot = std::shared_ptr<const engine::WorkspaceSnapshot>;

/// A line counts as boilerplate where at least three files, and a fifth of those with the same ending, have it.
constexpr std::size_t kMinBoilerplateFiles = 3;
constexpr double kBoilerplateShare = 0.2;
constexpr std::size_t kMinBoilerplateLine = 12;

struct SourceFile {
  std::string path;  // relative to the workspace
  std::string ending;
  std::string text;
};

/// Lines that repeat over files of one ending, so that they can be reported apart.
class Boilerplate {
 public:
  explicit Boilerplate(const std::vector<engine::SegmentFile>& files) {
    for (const auto& file : files) {
      const std::string ending = std::filesystem::path(file.path).extension();
      ++n_files_[ending];
      std::set<std::string_view> seen;
      for_each_line(*file.text, [&](std::size_t, std::string_view line) {
        if (line.size() >= kMinBoilerplateLine && seen.insert(line).second) ++n_with_line_[ending][std::string(line)];
      });
    }
  }

  /// For each byte of `file`: is its line boilerplate? The file is one of those that have it.
  std::vector<bool> mark(const SourceFile& file) const {
    std::vector<bool> marks(file.text.size());
    const auto lines = n_with_line_.find(file.ending);
    if (lines == n_with_line_.end()) return marks;
    const double n_files = static_cast<double>(n_files_.at(file.ending));
    for_each_line(file.text, [&](std::size_t begin, std::string_view line) {
      const auto found = lines->second.find(std::string(line));
      if (found == lines->second.end() || found->second < kMinBoilerplateFiles) return;
      if (static_cast<double>(found->second) < kBoilerplateShare * n_files) return;
      for (std::size_t i = begin; i < std::min(begin + line.size() + 1, marks.size()); ++i) marks[i] = true;
    });
    return marks;
  }

 private:
  template <class Visit>
  static void for_each_line(std::string_view text, const Visit& visit) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      visit(begin, text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  std::map<std::string, std::size_t> n_files_;
  std::map<std::string, std::unordered_map<std::string, std::size_t>> n_with_line_;
};

/// Sums over bytes.
struct Bits {
  std::size_t n = 0;
  double net = 0;
  double mixed = 0;
  std::size_t net_right = 0;
  std::size_t mixed_right = 0;

  Bits& operator+=(const Bits& other) {
    n += other.n;
    net += other.net;
    mixed += other.mixed;
    net_right += other.net_right;
    mixed_right += other.mixed_right;
    return *this;
  }
  nlohmann::json json() const {
    const double count = static_cast<double>(std::max<std::size_t>(n, 1));
    return {{"bytes", n},
            {"net", {{"bits_per_byte", net / count}, {"next_byte_right", static_cast<double>(net_right) / count}}},
            {"mixed", {{"bits_per_byte", mixed / count}, {"next_byte_right", static_cast<double>(mixed_right) / count}}}};
  }
};

/// Completions, with and without memory.
struct Work {
  std::size_t bytes = 0;
  std::size_t steps = 0;
  double decode_ms = 0;
  std::size_t exact = 0;  // rest of the line
  std::size_t lines = 0;

  nlohmann::json json() const {
    return {{"bytes_per_step", static_cast<double>(bytes) / static_cast<double>(std::max<std::size_t>(steps, 1))},
            {"bytes_per_s", decode_ms > 0 ? 1e3 * static_cast<double>(bytes) / decode_ms : 0.0},
            {"bytes", bytes},
            {"steps", steps},
            {"lines", lines},
            {"exact_lines", exact}};
  }
};

struct Score {
  Bits all;
  Bits without_boilerplate;
  Work with_memory;
  Work net_alone;
  std::size_t compared = 0;  // texts, drafted against plain
  std::size_t differing = 0;
  double mix_us = 0;  // of a byte's mixing
};

class QualityBench {
 public:
  QualityBench(const QualityOptions& options, engine::OpenedModel model)
      : options_(options), mixer_(model.mixer), completer_(std::move(model.runner), std::move(model.costs), nullptr, mixer_) {
    allowed_.fill(true);
  }

  Result<void> open_workspace() {
    auto snapshot = std::make_shared<engine::WorkspaceSnapshot>();
    if (options_.workspace != "none") {
      root_ = options_.workspace;
      const auto listed = engine::list_workspace_files(root_, {});
      if (!listed) return tl::unexpected(listed.error());
      // The index has a budget; here everything is in.
      for (auto file = listed->rbegin(); file != listed->rend(); ++file) {
        if (auto text = engine::read_workspace_file(root_, file->path)) {
          files_.push_back({file->path, std::make_shared<const std::string>(std::move(*text))});
        }
      }
      snapshot->parts.push_back({std::make_shared<const engine::TextSegment>(files_), {}});
    }
    snapshot_ = snapshot;
    return {};
  }

  Result<Score> run() {
    const Boilerplate boilerplate(files_);
    Score score;
    std::mt19937_64 random(options_.seed);
    for (const auto& path : options_.files) {
      std::ifstream in(path, std::ios::binary);
      SourceFile file;
      file.text.assign(std::istreambuf_iterator<char>(in), {});
      if (!in || file.text.empty()) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read, or is empty", path.string()));
      file.path = options_.workspace == "none" ? path.string() : std::filesystem::proximate(path, root_).string();
      file.ending = path.extension();
      if (options_.bytes > 0) predict(file, boilerplate, score);
      complete_lines(file, random, score);
      complete_text(file, random, score);
      complete_as_in_editor(file, random);
    }
    return score;
  }

  const Reliability& reliability() const { return reliability_; }
  const Soundness& soundness() const { return soundness_; }

  std::size_t workspace_bytes() const {
    std::size_t n = 0;
    for (const auto& file : files_) n += file.text->size();
    return n;
  }

 private:
  engine::DocumentSnapshot document(const SourceFile& file, std::string text) const {
    engine::DocumentSnapshot snapshot;
    snapshot.uri = file.path;
    snapshot.path = file.path;
    snapshot.text = std::make_shared<const std::string>(std::move(text));
    return snapshot;
  }

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
    const std::size_t n_before = score.all.n;
    engine::walk_text(completer_.mutable_runner(), document(file, file.text), std::min(options_.bytes, file.text.size()), visit);
    const auto n = static_cast<double>(score.all.n);
    score.mix_us = (score.mix_us * static_cast<double>(n_before) + 1e3 * mix_ms) / n;
  }

  engine::CompletionResult complete(const SourceFile& file, std::string text, std::size_t cursor, bool with_memory, bool is_line,
                                    bool use_draft) {
    engine::CompletionRequest request;
    request.document = document(file, std::move(text));
    request.cursor = cursor;
    request.limits.max_bytes = is_line ? 160 : 200;
    request.multiline = is_line ? engine::Multiline::kNever : engine::Multiline::kAuto;
    request.raw = !is_line;
    request.use_draft = use_draft;
    request.use_syntax = options_.use_syntax;
    request.workspace = with_memory ? snapshot_ : nullptr;
    request.workspace_path = file.path;
    return completer_.complete(request, {}, {});
  }

  static void add(const engine::CompletionResult& result, Work& work) {
    work.bytes += result.counts.steps + result.counts.accepted;
    work.steps += result.counts.steps;
    work.decode_ms += result.times.decode;
  }

  /// Cursors inside lines; what stood behind the cursor on its line is taken away and asked for.
  void complete_lines(const SourceFile& file, std::mt19937_64& random, Score& score) {
    for (std::size_t i = 0; i < options_.cursors; ++i) {
      std::size_t cursor = 0;
      std::string rest;
      for (int tries = 0; tries < 50 && rest.size() < 3; ++tries) {
        cursor = random() % file.text.size();
        if ((static_cast<unsigned char>(file.text[cursor]) & 0xC0) == 0x80) continue;
        rest = file.text.substr(cursor, std::min(file.text.find('\n', cursor), file.text.size()) - cursor);
      }
      if (rest.size() < 3) continue;
      const std::string text = file.text.substr(0, cursor) + file.text.substr(cursor + rest.size());
      for (const bool with_memory : {true, false}) {
        const auto result = complete(file, text, cursor, with_memory, true, true);
        Work& work = with_memory ? score.with_memory : score.net_alone;
        ++work.lines;
        if (result.text == rest) ++work.exact;
      }
    }
  }

  /// Text of 200 bytes at line starts, drafted and plain: the same bytes are expected.
  void complete_text(const SourceFile& file, std::mt19937_64& random, Score& score) {
    for (std::size_t i = 0; i < options_.completions; ++i) {
      const std::size_t near = random() % file.text.size();
      const std::size_t cursor = std::min(file.text.find('\n', near), file.text.size() - 1) + 1;
      for (const bool with_memory : {true, false}) {
        const auto drafted = complete(file, file.text.substr(0, cursor), cursor, with_memory, false, true);
        add(drafted, with_memory ? score.with_memory : score.net_alone);
        const auto plain = complete(file, file.text.substr(0, cursor), cursor, with_memory, false, false);
        ++score.compared;
        if (plain.text != drafted.text) ++score.differing;
      }
    }
  }

  /// As an editor asks: with the text behind the cursor, but for the rest of its line and, one time in three, one to four lines
  /// more, which are the truth.
  void complete_as_in_editor(const SourceFile& file, std::mt19937_64& random) {
    for (std::size_t i = 0; i < options_.editor_cursors; ++i) {
      const std::size_t cursor = random() % file.text.size();
      const std::size_t n_more_lines = random() % 3 == 0 ? 1 + random() % 4 : 0;
      std::size_t end = std::min(file.text.find('\n', cursor), file.text.size());
      const std::string_view rest = std::string_view(file.text).substr(cursor, end - cursor);
      const bool is_inside_character = (static_cast<unsigned char>(file.text[cursor]) & 0xC0) == 0x80;
      if (is_inside_character || rest.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      for (std::size_t line = 0; line < n_more_lines; ++line) end = std::min(file.text.find('\n', end + 1), file.text.size());
      engine::CompletionRequest request;
      const std::string closers = options_.auto_close ? closers_of(engine::line_before(file.text, cursor)) : "";
      request.document = document(file, file.text.substr(0, cursor) + closers + file.text.substr(end));
      request.cursor = cursor;
      request.limits.min_confidence = options_.min_confidence;
      request.workspace = snapshot_;
      request.workspace_path = file.path;
      request.use_syntax = options_.use_syntax;
      const auto result = completer_.complete(request, {}, {});
      const std::string truth = file.text.substr(cursor, end - cursor);
      reliability_.add(file.path, cursor, result, truth);
      soundness_.add(request, result, truth);
    }
  }

  /// What an editor that closes brackets and quotes by itself has put behind the cursor.
  static std::string closers_of(std::string_view before) {
    engine::BracketReader reader;
    std::string closers;
    for (const char c : before) {
      const auto role = reader.read(c);
      if (role == engine::BracketReader::Role::kOpens) closers.insert(0, 1, c == '(' ? ')' : c == '[' ? ']' : '}');
      if (role == engine::BracketReader::Role::kCloses && !closers.empty()) closers.erase(0, 1);
    }
    if (reader.quote() != '\0') closers.insert(0, 1, reader.quote());
    return closers;
  }

  const QualityOptions& options_;
  std::shared_ptr<const engine::Mixer> mixer_;
  engine::Completer completer_;
  std::filesystem::path root_;
  std::vector<engine::SegmentFile> files_;
  Snapshot snapshot_;
  ByteMask allowed_;
  Reliability reliability_;
  Soundness soundness_;
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
  QualityBench bench(options, std::move(*model));
  if (const auto opened = bench.open_workspace(); !opened) return print(stderr, "octet-bench quality: {}\n", opened.error().message), 1;
  const auto score = bench.run();
  if (!score) return print(stderr, "octet-bench quality: {}\n", score.error().message), 1;

  const nlohmann::json result{{"environment", environment(info.isa, info.threads)},
                              {"model", info.name},
                              {"sha256", info.sha256},
                              {"files", options.files.size()},
                              {"workspace_bytes", bench.workspace_bytes()},
                              {"all", score->all.json()},
                              {"without_boilerplate", score->without_boilerplate.json()},
                              {"with_memory", score->with_memory.json()},
                              {"net_alone", score->net_alone.json()},
                              {"texts_compared", score->compared},
                              {"texts_differing", score->differing},
                              {"mix_us_per_byte", score->mix_us},
                              {"confidence", bench.reliability().json()},
                              {"soundness", bench.soundness().json()}};
  const auto row = [](const char* name, const nlohmann::json& bits) {
    print(stdout, "{:<22} {:>8} bytes  net {:.3f} bits/byte, {:.3f} right   mixed {:.3f} bits/byte, {:.3f} right\n", name,
          bits["bytes"].get<std::size_t>(), bits["net"]["bits_per_byte"].get<double>(), bits["net"]["next_byte_right"].get<double>(),
          bits["mixed"]["bits_per_byte"].get<double>(), bits["mixed"]["next_byte_right"].get<double>());
  };
  row("all", result["all"]);
  row("without boilerplate", result["without_boilerplate"]);
  for (const char* name : {"with_memory", "net_alone"}) {
    const auto& work = result[name];
    print(stdout, "{:<22} {:>4} of {} lines exact, {:.2f} bytes a step, {:.0f} bytes/s\n", name, work["exact_lines"].get<std::size_t>(),
          work["lines"].get<std::size_t>(), work["bytes_per_step"].get<double>(), work["bytes_per_s"].get<double>());
  }
  print(stdout, "drafted and plain text differ in {} of {}; mixing takes {:.1f} us a byte\n", score->differing, score->compared,
        score->mix_us);
  if (!bench.reliability().is_empty()) bench.reliability().print_table();
  if (!bench.soundness().is_empty()) bench.soundness().print_table();
  if (!write_json(options.json, result, "quality")) return 1;
  return score->differing == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks
