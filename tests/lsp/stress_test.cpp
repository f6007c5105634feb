// Thousands of messages in random order (R5, R6): every id is answered once, and no text drifts from the editor's.
#include <algorithm>
#include <catch2/catch.hpp>
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
#include "tests/support/lsp_client.h"

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::Position;
using lsp::PositionEncoding;

constexpr int kMessages = 3000;
const std::string kScript = "_done";

/// An editor that types, asks and changes its mind.
class RandomEditor {
 public:
  RandomEditor(unsigned seed, PositionEncoding encoding)
      : random_(seed), encoding_(encoding), model_(std::make_shared<ScriptedModel>(kScript)), client_(model_) {
    client_.initialize({lsp::to_string(encoding)});
    for (const char* uri : {"file:///a.txt", "file:///b.txt", "untitled:c"}) open(uri);
    // Ids that follow no order and are of both types.
    for (int i = 0; i < kMessages; ++i) ids_.push_back(i % 3 == 0 ? Json(std::to_string(i)) : Json(i));
    std::shuffle(ids_.begin(), ids_.end(), random_);
  }

  void run() {
    for (int i = 0; i < kMessages; ++i) {
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

 private:
  struct Asked {
    Json id;
    std::string typed;  // what the text begins with that it is answered with, unless it is superseded or cancelled
    Json range;         // and what it replaces
  };

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

  void complete(const std::string& uri) {
    const NaiveText& text = texts_.at(uri);
    const Json id = ids_.back();
    ids_.pop_back();
    const Position position = some_position(text);
    asked_[id.dump()] = expectation(id, text, position);
    client_.invoke_completion(id, uri, position);  // who asks gets one inside a line as well
    if (below(10) != 0) to_cancel_.push_back(id);
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
  std::vector<Json> ids_;
  std::map<std::string, NaiveText> texts_;
  std::map<std::string, Asked> asked_;  // by the id's JSON text
  std::vector<Json> to_cancel_;
  std::set<std::string> cancelled_;
};

}  // namespace

TEST_CASE("three thousand random messages leave every id answered once and every text intact") {
  const unsigned seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  RandomEditor editor(seed, kEncodings[seed % 3]);
  editor.run();
  editor.check_answers();
  editor.check_texts();
}

}  // namespace octet::tests
