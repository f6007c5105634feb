// Thousands of messages in random order (R5, R6): every id is answered once, no text drifts from the editor's, and nothing is kept.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bytemodel/control_bytes.h"
#include "lsp/initialize.h"
#include "lsp/protocol.h"
#include "tests/lsp/naive_text.h"
#include "tests/support/long_form.h"
#include "tests/support/lsp_client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OCTET_HAS_SANITIZER
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // GCC installs no header of it
#endif

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::Position;
using lsp::PositionEncoding;

constexpr int kMessages = 3000;  // of a round, a third of them completions
constexpr int kRounds = 10;      // with one server
const std::string kScript = "_done";

/// An editor that types, asks and changes its mind.
class RandomEditor {
 public:
  RandomEditor(unsigned seed, PositionEncoding encoding)
      : random_(seed), encoding_(encoding), model_(std::make_shared<ScriptedModel>(kScript)), client_(model_) {
    client_.initialize({lsp::to_string(encoding)});
    for (const char* uri : {"file:///a.txt", "file:///b.txt", "untitled:c"}) open(uri);
  }

  std::size_t n_asked() const { return asked_.size(); }

  /// One round of messages; what the last one asked is forgotten.
  void run() {
    client_.forget_answers();
    asked_.clear();
    cancelled_.clear();
    make_ids();
    for (int i = 0; i < kMessages; ++i) {
      // Where this thread has the only core, what is not waited for is superseded or cancelled before it begins.
      if (i % (kMessages / 4) == 0) wait_for_one();
      const std::size_t choice = below(100);
      if (choice < 4) {
        open(some_uri());
      } else if (choice < 40) {
        edit(some_uri());
      } else if (choice < 72) {
        complete(some_uri());
      } else if (!to_cancel_.empty()) {
        cancel();
      }
      if (below(4) == 0) client_.run_posted();
    }
    n_ids_ += kMessages;
    while (!to_cancel_.empty()) cancel();
    client_.run_until(
        [&] { return std::all_of(asked_.begin(), asked_.end(), [&](const auto& a) { return !client_.answers(a.second.id).empty(); }); });
    client_.wait_until_settled();
  }

  void check_answers() {
    std::size_t n_completed = 0;
    std::size_t n_cancelled = 0;
    for (const auto& [key, asked] : asked_) {
      const auto answers = client_.answers(asked.id);
      CAPTURE(key);
      REQUIRE(answers.size() == 1);
      if (error_code(answers[0]) != 0) {
        CHECK(error_code(answers[0]) == -32800);
        CHECK(cancelled_.contains(key));
        ++n_cancelled;
        continue;
      }
      const Json& items = answers[0].at("result").at("items");
      if (items.empty()) continue;  // superseded
      ++n_completed;
      // Where a suggestion was typed on by chance, the item has its rest.
      const std::string text = items[0].at("insertText");
      CHECK(text.starts_with(asked.typed));
      CHECK(text.ends_with(kScript.substr(kScript.size() - 1)));
      CHECK(text.size() <= asked.typed.size() + kScript.size());
      CHECK(items[0].at("range") == asked.range);
    }
    CAPTURE(asked_.size(), n_completed, n_cancelled);
    CHECK(asked_.size() > kMessages / 4);
    CHECK(n_completed > 0);
    CHECK(n_cancelled > 0);
  }

  /// The model's own view: with the cursor at the end the prompt ends with the whole text.
  void check_texts() {
    for (auto& [uri, text] : texts_) {
      const Position end = text.position(text.utf8().size(), encoding_);
      text.replace({end, end}, "#" + uri, encoding_);  // never asked for before
      client_.change(uri, Json::array({{{"range", {{"start", to_json(end)}, {"end", to_json(end)}}}, {"text", "#" + uri}}}));
      const std::string expected = text.utf8();
      client_.request_completion("final " + uri, uri, text.position(expected.size(), encoding_));
      CHECK(client_.wait_for_answer("final " + uri).contains("result"));
      const std::string prompt = model_->last_prompt();
      CHECK(prompt.substr(prompt.find(static_cast<char>(kPrefix)) + 1) == expected);
    }
  }

  /// Shutdown while requests wait, more of them behind it, exit, and the server's end.
  void end() {
    for (int i = 0; i < 20; ++i) client_.request_completion("before " + std::to_string(i), some_uri(), {});
    client_.send_request("shutdown", "shutdown", nullptr);
    for (int i = 0; i < 20; ++i) client_.request_completion("behind " + std::to_string(i), some_uri(), {});
    client_.notify("exit", nullptr);
    CHECK(client_.exit_code() == 0);
    client_.run_posted();
    client_.destroy_server();
    for (int i = 0; i < 20; ++i) {
      const auto before = client_.answers("before " + std::to_string(i));
      REQUIRE(before.size() == 1);
      CHECK(before[0].at("result").at("items").is_array());
      const auto behind = client_.answers("behind " + std::to_string(i));
      REQUIRE(behind.size() == 1);
      CHECK(error_code(behind[0]) == -32600);
    }
    CHECK(client_.answers("shutdown").size() == 1);
  }

 private:
  struct Asked {
    Json id;
    std::string typed;  // what the text begins with that it is answered with, unless it is superseded or cancelled
    Json range;         // and what it replaces
  };

  /// Ids that follow no order and are of both types.
  void make_ids() {
    ids_.clear();
    for (int i = n_ids_; i < n_ids_ + kMessages; ++i) ids_.push_back(i % 3 == 0 ? Json(std::to_string(i)) : Json(i));
    std::shuffle(ids_.begin(), ids_.end(), random_);
  }

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  std::string some_uri() { return std::next(texts_.begin(), static_cast<std::ptrdiff_t>(below(texts_.size())))->first; }

  std::string some_text(std::size_t max_pieces) {
    std::string out;
    for (std::size_t n = below(max_pieces + 1); n > 0; --n) out += text_pieces()[below(text_pieces().size())];
    return out;
  }

  Position some_position(const NaiveText& text) {
    const std::size_t line = below(text.n_lines() + (below(10) == 0 ? 2 : 0));
    const std::size_t n_units = line < text.n_lines() ? text.line_units(line, encoding_) : 0;
    return {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(below(n_units + 1 + (below(10) == 0 ? 3 : 0)))};
  }

  void open(const std::string& uri) {
    const std::string text = some_text(40);
    texts_.insert_or_assign(uri, NaiveText(text));
    client_.open(uri, text);
  }

  void edit(const std::string& uri) {
    NaiveText& text = texts_.at(uri);
    Json changes = Json::array();
    for (std::size_t n = below(3) + 1; n > 0; --n) {
      const lsp::Range range{some_position(text), some_position(text)};
      const std::string piece = some_text(text.n_lines() > 30 ? 1 : 6);
      text.replace(range, piece, encoding_);
      changes.push_back({{"range", {{"start", to_json(range.start)}, {"end", to_json(range.end)}}}, {"text", piece}});
    }
    client_.change(uri, changes);
  }

  Json complete(const std::string& uri) {
    const NaiveText& text = texts_.at(uri);
    Json id = ids_.back();
    ids_.pop_back();
    const Position position = some_position(text);
    asked_[id.dump()] = expectation(id, text, position);
    client_.invoke_completion(id, uri, position);  // who asks gets one inside a line as well
    if (below(10) != 0) to_cancel_.push_back(id);
    return id;
  }

  void wait_for_one() {
    const Json id = complete(some_uri());
    client_.run_until([&] { return !client_.answers(id).empty(); });
  }

  /// Out of order, late, and now and then twice.
  void cancel() {
    const std::size_t i = below(to_cancel_.size());
    client_.cancel(to_cancel_[i]);
    cancelled_.insert(to_cancel_[i].dump());
    if (below(10) == 0) return;
    std::swap(to_cancel_[i], to_cancel_.back());
    to_cancel_.pop_back();
  }

  Asked expectation(const Json& id, const NaiveText& text, Position position) const {
    const std::string all = text.utf8();
    const std::size_t end = text.offset(position, encoding_);
    std::size_t start = end;
    const auto is_word = [](char c) {
      return static_cast<unsigned char>(c) >= 0x80 || std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    while (start > 0 && is_word(all[start - 1])) --start;
    return {id,
            all.substr(start, end - start),
            {{"start", to_json(text.position(start, encoding_))}, {"end", to_json(text.position(end, encoding_))}}};
  }

  std::mt19937 random_;
  PositionEncoding encoding_;
  std::shared_ptr<ScriptedModel> model_;
  LspClient client_;
  int n_ids_ = 0;  // of the rounds before
  std::vector<Json> ids_;
  std::map<std::string, NaiveText> texts_;
  std::map<std::string, Asked> asked_;  // by the id's JSON text
  std::vector<Json> to_cancel_;
  std::set<std::string> cancelled_;
};

#ifdef OCTET_HAS_SANITIZER
/// What lives on the heap: the sanitizer's own memory, and what it keeps of freed blocks, are not the server's.
std::size_t taken_bytes() { return __sanitizer_get_current_allocated_bytes(); }
#else
/// What is resident.
std::size_t taken_bytes() {
  std::size_t n_pages = 0;
  std::size_t n_resident = 0;
  std::ifstream("/proc/self/statm") >> n_pages >> n_resident;
  return n_resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
#endif

}  // namespace

TEST_CASE("random messages leave every id answered once, every text intact and no memory taken") {
  constexpr std::size_t kMaxGrowthBytes = 5'000'000;
  const auto n_wanted = static_cast<std::size_t>(count_from("OCTET_STRESS_REQUESTS", 3000));
  std::size_t n_asked = 0;
  std::size_t first_taken = 0;
  std::size_t last_taken = 0;
  for (unsigned seed = 1; n_asked < n_wanted; ++seed) {
    CAPTURE(seed);
    RandomEditor editor(seed, kEncodings[seed % 3]);
    const std::size_t n_rounds = n_wanted > 10'000 ? kRounds : 1;
    for (std::size_t round = 0; round < n_rounds && n_asked < n_wanted; ++round) {
      editor.run();
      editor.check_answers();
      editor.check_texts();
      n_asked += editor.n_asked();
      // A tenth to settle: pools fill, and the largest document of all comes early.
      last_taken = taken_bytes();
      if (n_asked <= n_wanted / 10 || first_taken == 0) first_taken = last_taken;
    }
    editor.end();
  }
  CAPTURE(n_asked, first_taken, last_taken);
  CHECK(last_taken < first_taken + kMaxGrowthBytes);
  if (n_wanted > 10'000) WARN(n_asked << " completions, " << first_taken << " bytes taken at first, " << last_taken << " at last");
}

}  // namespace octet::tests
