// The promise of drafting: whoever drafts, the text is that of plain greedy decoding.
#include <memory>
#include <random>
#include <string>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/model/f32_runner.h"
#include "tests/support/drafters.h"
#include "tests/support/golden.h"
#include "tests/support/scripted_runner.h"
#include "tests/support/utf8.h"

namespace octet::tests {
namespace {

using engine::Completer;
using engine::CompletionRequest;
using engine::CompletionResult;
using engine::F32Runner;
using Rows = engine::ModelRunner::Rows;

std::unique_ptr<F32Runner> open(const std::string& model) {
  return std::make_unique<F32Runner>(load_model(model), *kernels::select_kernels(""));
}

CompletionRequest random_request(std::mt19937& random) {
  static const std::string kPieces[] = {"for (", "x", " = ", "\n    ", "\n", "é", "中文", "😀", "()", "{", "}", "\t", "return "};
  std::string text;
  for (std::size_t i = random() % 120; i > 0; --i) text += kPieces[random() % std::size(kPieces)];
  CompletionRequest request;
  request.cursor = random() % (text.size() + 1);
  while (request.cursor < text.size() && (text[request.cursor] & 0xC0) == 0x80) ++request.cursor;
  request.document.path = "a/b.py";
  request.document.text = std::make_shared<const std::string>(std::move(text));
  request.limits.max_bytes = 1 + random() % 100;
  request.raw = random() % 4 != 0;
  return request;
}

/// Completes and checks what every completion must be.
CompletionResult complete(Completer& completer, const CompletionRequest& request) {
  std::string streamed;
  const auto result = completer.complete(request, {}, [&](std::string_view piece) {
    RC_ASSERT(is_valid_utf8(piece));
    streamed += piece;
  });
  RC_ASSERT(streamed == result.text);
  RC_ASSERT(is_valid_utf8(result.text));
  RC_ASSERT(result.probabilities.size() == result.text.size());
  RC_ASSERT(result.text.size() <= request.limits.max_bytes);
  RC_ASSERT(result.counts.reused_bytes + result.counts.prefilled_bytes == result.counts.prompt_bytes);
  RC_ASSERT(result.counts.accepted <= result.counts.drafted);
  return result;
}

}  // namespace

TEST_CASE("the text is the same for any drafter, on both kinds of heads") {
  const std::string model = GENERATE("tiny-linear", "tiny-transformer");
  Completer by_heads(open(model));
  Completer by_chance(open(model), {}, std::make_unique<RandomDrafter>(5));
  auto right_drafter = std::make_unique<OracleDrafter>(OracleDrafter::Habit::kAlwaysRight, 7);
  auto wrong_drafter = std::make_unique<OracleDrafter>(OracleDrafter::Habit::kAlwaysWrong, 7);
  OracleDrafter& right = *right_drafter;
  OracleDrafter& wrong = *wrong_drafter;
  Completer by_right(open(model), {}, std::move(right_drafter));
  Completer by_wrong(open(model), {}, std::move(wrong_drafter));

  CHECK(rc::check("random documents, cursors and budgets", [&](std::uint32_t seed) {
    std::mt19937 random(seed);
    CompletionRequest request = random_request(random);
    request.use_draft = false;
    const auto plain = complete(by_heads, request);
    RC_ASSERT(plain.counts.drafted == 0);
    request.use_draft = true;
    right.expect(plain.text, plain.counts.prompt_bytes);
    wrong.expect(plain.text, plain.counts.prompt_bytes);
    for (Completer* completer : {&by_heads, &by_chance, &by_right, &by_wrong}) {
      const auto drafted = complete(*completer, request);
      RC_ASSERT(drafted.text == plain.text);
      RC_ASSERT(drafted.stop_reason == plain.stop_reason);
      RC_ASSERT(drafted.probabilities == plain.probabilities);
      RC_ASSERT(std::abs(drafted.confidence - plain.confidence) < 1e-12);
      RC_ASSERT(drafted.counts.steps <= plain.counts.steps);
      if (completer == &by_wrong) RC_ASSERT(drafted.counts.accepted == 0);
      // Proposals behind a stop rule's end are verified and then not needed: all that were needed were accepted.
      if (completer == &by_right) RC_ASSERT(drafted.counts.accepted == drafted.counts.drafted);
    }
  }));
}

TEST_CASE("a row's bits do not depend on how the bytes were split into calls") {
  const std::string model = GENERATE("tiny-linear", "tiny-transformer");
  const auto runner = open(model);
  CHECK(rc::check("verify of n bytes equals n single steps, and any chunks in between", [&](std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(1 + random() % 90);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    std::vector<float> singly;
    const auto one_by_one = runner->new_cache();
    for (const auto& byte : bytes) {
      const auto row = runner->forward({&byte, 1}, *one_by_one, Rows::kAll)[0];
      singly.insert(singly.end(), row.begin(), row.end());
    }
    const auto chunked = runner->new_cache();
    std::vector<float> together;
    while (chunked->length() < bytes.size()) {
      const auto rest = std::span(bytes).subspan(chunked->length());
      const auto rows =
          runner->forward(rest.first(std::min<std::size_t>(rest.size(), 1 + random() % runner->max_batch())), *chunked, Rows::kAll);
      for (std::size_t i = 0; i < rows.size(); ++i) together.insert(together.end(), rows[i].begin(), rows[i].end());
    }
    RC_ASSERT(singly == together);
  }));
}

TEST_CASE("a cache that was truncated and filled again equals a fresh one") {
  const std::string model = GENERATE("tiny-linear", "tiny-transformer");
  const auto runner = open(model);
  const auto used = runner->new_cache();
  engine::Session session(*runner);
  CHECK(rc::check("prompts that share random prefixes", [&](std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> prompt(session.cache().bytes().begin(), session.cache().bytes().end());
    prompt.resize(prompt.empty() ? 0 : random() % prompt.size());
    const std::size_t n_common = prompt.size();
    for (std::size_t i = 1 + random() % 100; i > 0 && prompt.size() < 400; --i) prompt.push_back(static_cast<std::uint8_t>(random()));
    const std::vector<std::uint8_t> held(session.cache().bytes().begin(), session.cache().bytes().end());

    const auto prefilled = session.prefill(prompt, {});
    RC_ASSERT(prefilled.n_reused >= std::min(n_common, prompt.size() - 1));
    RC_ASSERT(prefilled.n_reused + prefilled.n_computed == prompt.size());
    RC_ASSERT(std::equal(prompt.begin(), prompt.end(), session.cache().bytes().begin(), session.cache().bytes().end()));
    const std::vector<float> reused(session.last_logits().begin(), session.last_logits().end());

    engine::Session fresh(*runner);
    RC_ASSERT(fresh.prefill(prompt, {}).n_reused == 0U);
    RC_ASSERT(std::equal(reused.begin(), reused.end(), fresh.last_logits().begin()));
  }));
}

TEST_CASE("an appended byte costs one position, the next completion of a document starts from its cache") {
  Completer completer(open("tiny-linear"));
  CompletionRequest request;
  request.document.path = "a.py";
  std::string text = "def area(radius):\n    return ";
  for (int key = 0; key < 20; ++key) {
    request.document.text = std::make_shared<const std::string>(text);
    request.cursor = text.size();
    const auto result = completer.complete(request, {}, {});
    if (key > 0) CHECK(result.counts.prefilled_bytes <= 2);
    text += static_cast<char>('a' + key);
  }
}

TEST_CASE("alternatives are different from the completion and from each other, and leave it unchanged") {
  Completer completer(open("tiny-linear"));
  CompletionRequest request;
  request.document.text = std::make_shared<const std::string>("x = ");
  request.cursor = 4;
  request.limits.max_bytes = 24;
  const auto alone = completer.complete(request, {}, {});
  request.alternatives = 5;
  std::string streamed;
  const auto several = completer.complete(request, {}, [&](std::string_view piece) { streamed += piece; });
  CHECK(several.text == alone.text);
  CHECK(streamed == alone.text);
  std::vector<std::string> texts = several.alternatives;
  texts.push_back(several.text);
  CHECK(texts.size() >= 3);
  std::sort(texts.begin(), texts.end());
  CHECK(std::unique(texts.begin(), texts.end()) == texts.end());
}

TEST_CASE("a completion keeps the line ends of its document") {
  const auto model = std::make_shared<ScriptedModel>("a();\n  b();\r\n  c();");
  const auto complete_in = [&](const std::string& text, std::size_t cursor) {
    Completer completer(std::make_unique<ScriptedRunner>(model));
    CompletionRequest request;
    request.document.text = std::make_shared<const std::string>(text);
    request.cursor = cursor;
    std::string streamed;
    const auto result = completer.complete(request, {}, [&](std::string_view piece) { streamed += piece; });
    CHECK(streamed == result.text);
    CHECK(result.probabilities.size() == result.text.size());
    for (std::size_t i = 1; i < result.text.size(); ++i) {
      const bool is_inserted = result.text[i] == '\n' && result.text[i - 1] == '\r' && model->script().find("\r\n") + 2 != i;
      if (is_inserted) CHECK(result.probabilities[i - 1] == result.probabilities[i]);
    }
    return result.text;
  };
  CHECK(complete_in("f() {\r\n  ", 9) == "a();\r\n  b();\r\n  c();");
  CHECK(complete_in("  \r\n}\r\n", 2) == "a();\r\n  b();\r\n  c();");
  CHECK(complete_in("f() {\n  ", 8) == "a();\n  b();\r\n  c();");
  CHECK(complete_in("  ", 2) == "a();\n  b();\r\n  c();");
}

TEST_CASE("prompt and completion never exceed the context that the model was trained on") {
  const bool use_draft = GENERATE(false, true);
  Completer completer(open("tiny-linear"));
  CompletionRequest request;
  request.document.text = std::make_shared<const std::string>(std::string(5000, 'a'));
  request.cursor = 5000;
  request.limits.max_bytes = 4096;
  request.raw = true;
  request.use_draft = use_draft;
  const auto result = completer.complete(request, {}, {});
  const auto n_bytes = result.counts.steps + result.counts.accepted;
  CHECK(result.counts.prompt_bytes + n_bytes <= 512);
  if (result.stop_reason == engine::StopReason::kContextFull) CHECK(result.counts.prompt_bytes + n_bytes == 512);
}

}  // namespace octet::tests
