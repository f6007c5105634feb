// Where completions end that are not sure enough.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/decode/emitter.h"
#include "engine/decode/identifier.h"
#include "engine/decode/text_rules.h"
#include "engine/model/f32_runner.h"
#include "tests/support/drafters.h"
#include "tests/support/forced_decoding.h"
#include "tests/support/golden.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::CompletionRequest;
using engine::StopReason;

engine::DecodeOutcome decode(const std::string& written, const std::vector<float>& probabilities, double min_confidence,
                             std::size_t max_bytes = 1000) {
  CompletionRequest request;
  request.raw = true;
  request.limits.min_confidence = min_confidence;
  ForcedDecoder decoder;
  ForcedChooser chooser(written, probabilities);
  std::string streamed;
  auto outcome = decoder.decode(chooser, engine::make_text_rules(request), max_bytes, [&](std::string_view piece) { streamed += piece; });
  RC_ASSERT(streamed == outcome.text);
  return outcome;
}

double confidence_of(std::span<const float> probabilities) {
  double product = 1;
  for (const float probability : probabilities) product *= static_cast<double>(probability);
  return product;
}

/// `written` where its byte `unsure` has almost no probability and all others are certain.
std::string shown(const std::string& written, std::size_t unsure) {
  std::vector<float> probabilities(written.size(), 1.0F);
  probabilities[unsure] = 1e-6F;
  const auto outcome = decode(written, probabilities, 0.5);
  REQUIRE(outcome.stop_reason == StopReason::kLowConfidence);
  return outcome.text;
}

}  // namespace

TEST_CASE("a completion ends before the word that it is not sure of") {
  CHECK(shown("foo(bar, baz)", 0) == "");
  CHECK(shown("foo(bar, baz)", 2) == "");
  CHECK(shown("foo(bar, baz)", 3) == "foo");
  CHECK(shown("foo(bar, baz)", 6) == "foo(");
  CHECK(shown("foo(bar, baz)", 7) == "foo(bar");
  CHECK(shown("foo(bar, baz)", 11) == "foo(bar,");
  CHECK(shown("foo(bar, baz)", 12) == "foo(bar, baz");
  CHECK(shown("a = größe_2;", 5) == "a =");
  CHECK(shown("a;\n    b;", 7) == "a;");  // no line is left begun
}

TEST_CASE("without a minimum, and where all is sure, nothing is cut") {
  const std::string written = "foo(bar, baz) ";
  const std::vector<float> unsure(written.size(), 0.01F);
  CHECK(decode(written, unsure, 0).text == written);
  CHECK(decode(written, std::vector<float>(written.size(), 1.0F), 1).text == written);
  CHECK(decode(written, unsure, 0).stop_reason == StopReason::kEnd);
}

TEST_CASE("a word waits until it is complete, and one that a budget cuts is shown as far as it goes") {
  CHECK(decode("foo(bar", std::vector<float>(7, 0.99F), 0.5, 6).text == "foo(ba");
  CompletionRequest request;
  request.raw = true;
  request.limits.min_confidence = 0.5;
  const auto rules = engine::make_text_rules(request);
  std::vector<std::string> pieces;
  const std::function<void(std::string_view)> on_text = [&](std::string_view piece) { pieces.emplace_back(piece); };
  engine::Emitter emitter({rules, 100, false, on_text});
  for (const char c : std::string("foo(ba, b")) emitter.push({static_cast<std::uint8_t>(c), 1});
  CHECK(pieces == std::vector<std::string>{"foo(", "ba,"});
}

TEST_CASE("what is shown is a start of whole words that is sure enough, and no longer start is") {
  CHECK(rc::check("random texts and probabilities", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    static const std::string kPieces[] = {"a", "b1", "_", " ", "\n", "(", ";", "é", "中"};
    std::string written;
    for (std::size_t n = 1 + random() % 20; n > 0; --n) written += kPieces[random() % std::size(kPieces)];
    std::vector<float> probabilities;
    for (std::size_t i = 0; i < written.size(); ++i) probabilities.push_back(1.0F - 0.2F * static_cast<float>(random() % 1000) / 1000.0F);
    const double minimum = static_cast<double>(random() % 100) / 100.0;
    const auto outcome = decode(written, probabilities, minimum);
    const std::string& text = outcome.text;
    RC_ASSERT(written.starts_with(text));
    RC_ASSERT(outcome.confidence >= minimum || text.empty());
    if (outcome.stop_reason == StopReason::kEnd) return RC_ASSERT(text == written);
    RC_ASSERT(outcome.stop_reason == StopReason::kLowConfidence);
    if (!text.empty()) {
      RC_ASSERT(!(engine::is_identifier_byte(text.back()) && engine::is_identifier_byte(written[text.size()])));
      RC_ASSERT(text.back() != ' ' && text.back() != '\n');
    }
    // The next word, with the white space before it, is not sure enough.
    std::size_t end = std::min(written.find_first_not_of(" \n", text.size()), written.size());
    if (end < written.size() && engine::is_identifier_byte(written[end])) {
      while (end < written.size() && engine::is_identifier_byte(written[end])) ++end;
    } else if (end < written.size()) {
      ++end;
    }
    RC_ASSERT(confidence_of(std::span(probabilities).first(end)) < minimum);
  }));
}

TEST_CASE("where a completion is cut does not depend on who drafts, nor on what is remembered of earlier requests") {
  engine::Completer by_heads(std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels("")));
  engine::Completer by_chance(std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels("")), {},
                              std::make_unique<RandomDrafter>(3));
  const auto files = source_files();
  std::mt19937 random(11);
  std::size_t n_cut = 0;
  for (int i = 0; i < 100; ++i) {
    CompletionRequest request = random_request(files, random, 200, 60);
    request.limits.max_bytes = 40;
    request.raw = random() % 2 == 0;
    request.use_syntax = random() % 2 == 0;
    const auto uncut = by_heads.complete(request, {}, {});
    request.limits.min_confidence = static_cast<double>(1 + random() % 9) / 10.0;
    request.use_draft = false;
    const auto plain = by_heads.complete(request, {}, {});
    request.use_draft = true;
    for (engine::Completer* completer : {&by_heads, &by_chance}) {
      const auto drafted = completer->complete(request, {}, {});
      CAPTURE(i, request.document.path, request.cursor);
      REQUIRE(drafted.text == plain.text);
      REQUIRE(drafted.stop_reason == plain.stop_reason);
      REQUIRE(drafted.probabilities == plain.probabilities);
      REQUIRE(drafted.confidence == plain.confidence);
    }
    // The grammar may end the longer one earlier.
    REQUIRE((uncut.text.starts_with(plain.text) || (request.use_syntax && !request.raw)));
    REQUIRE((plain.text.empty() || plain.confidence >= request.limits.min_confidence));
    REQUIRE(std::abs(plain.confidence - (plain.text.empty() ? 0 : confidence_of(plain.probabilities))) < 1e-9);
    n_cut += plain.stop_reason == StopReason::kLowConfidence ? 1 : 0;
  }
  CHECK(n_cut > 20);
  CHECK(n_cut < 100);
}

TEST_CASE("alternatives are cut by how sure they are behind their first byte") {
  engine::Completer completer(std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels("")));
  CompletionRequest request;
  request.document.path = "a.py";
  request.document.text = std::make_shared<const std::string>("import os\nimport sys\n\nprint(s");
  request.cursor = request.document.text->size();
  request.alternatives = 5;
  request.limits.max_bytes = 24;
  const auto uncut = completer.complete(request, {}, {});
  request.limits.min_confidence = 0.2;
  const auto cut = completer.complete(request, {}, {});
  CHECK(uncut.alternatives.size() >= 2);
  CHECK(!cut.alternatives.empty());
  for (const auto& text : cut.alternatives) {
    CHECK(std::any_of(uncut.alternatives.begin(), uncut.alternatives.end(), [&](const auto& whole) { return whole.starts_with(text); }));
  }
}

}  // namespace octet::tests
