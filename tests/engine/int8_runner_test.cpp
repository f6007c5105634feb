// The int8 profile: the same bits for every instruction set, number of threads, chunk and batch; what it costs in quality; its cache.
#include "engine/model/int8_runner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/decode/session.h"
#include "engine/model/f32_runner.h"
#include "tests/engine/bits_per_byte.h"
#include "tests/support/golden.h"
#include "tests/support/int8_tables.h"
#include "tests/support/models.h"

namespace octet::tests {
namespace {

using engine::Int8Runner;
using engine::ModelRunner;
using Rows = ModelRunner::Rows;
using Bytes = std::vector<std::uint8_t>;

const kernels::int8::Kernels& best() { return *kernels::int8::select(""); }

std::unique_ptr<Int8Runner> open(const std::string& model, const kernels::int8::Kernels& kernels = best(), unsigned n_threads = 1) {
  return std::make_unique<Int8Runner>(load_model(model), kernels, n_threads);
}

Bytes random_code(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  static const std::string kAlphabet = "etaoin(shrdlu) _=;{}\n\t\"0123.xyz";
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(kAlphabet[random() % kAlphabet.size()]);
  return bytes;
}

/// The logits of all rows, computed in chunks.
std::vector<float> all_logits(ModelRunner& runner, std::span<const std::uint8_t> text, std::size_t chunk) {
  const auto cache = runner.new_cache();
  std::vector<float> logits;
  while (cache->length() < text.size()) {
    const auto rest = text.subspan(cache->length());
    const auto rows = runner.forward(rest.first(std::min(rest.size(), chunk)), *cache, Rows::kAll);
    for (std::size_t i = 0; i < rows.size(); ++i) logits.insert(logits.end(), rows[i].begin(), rows[i].end());
  }
  return logits;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

std::vector<float> copy(engine::LogitsRow row) { return {row.begin(), row.end()}; }

}  // namespace

TEST_CASE("logits and drafts have the same bits for every instruction set, number of threads and chunk") {
  const std::string name = GENERATE("default", "tiny-linear", "tiny-transformer");
  const Bytes text = random_code(name == "default" ? 400 : 300, 1);
  const auto first = open(name);
  const std::vector<float> expected = all_logits(*first, text, 64);
  std::vector<std::vector<float>> expected_drafts;
  const auto draft = [&](ModelRunner& runner) {
    const auto cache = runner.new_cache();
    runner.forward(std::span(text).first(40), *cache, Rows::kAll);
    std::vector<std::vector<float>> rows;
    runner.begin_draft(39, *cache);
    for (int head = 1; head < runner.config().n_predict; ++head)
      rows.push_back(copy(runner.next_draft(text[static_cast<std::size_t>(39 + head)])));
    return rows;
  };
  expected_drafts = draft(*first);
  // The processors of others, in emulation: a beginning only, since it is slow.
  const auto beginning = std::span(text).first(48);
  for (const auto* kernels : emulated_int8_tables()) {
    const auto runner = open(name, *kernels, 2);
    CAPTURE(name, kernels->isa);
    REQUIRE(same_bits(all_logits(*runner, beginning, 13), std::span(expected).first(48 * 256)));
    const auto drafts = draft(*runner);
    for (std::size_t i = 0; i < drafts.size(); ++i) REQUIRE(same_bits(drafts[i], expected_drafts[i]));
  }
  for (const auto* kernels : kernels::int8::supported()) {
    for (const unsigned n_threads : {1U, 2U, 3U, 4U}) {
      const auto runner = open(name, *kernels, n_threads);
      for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{64}}) {
        if (chunk == 1 && n_threads == 4) continue;  // thousands of steps with more threads than cores
        CAPTURE(name, kernels->isa, n_threads, chunk);
        REQUIRE(same_bits(all_logits(*runner, text, chunk), expected));
      }
      const auto drafts = draft(*runner);
      for (std::size_t i = 0; i < drafts.size(); ++i) REQUIRE(same_bits(drafts[i], expected_drafts[i]));
    }
  }
}

TEST_CASE("a row does not depend on the width of its batch, the rows that were asked for, nor on other sequences") {
  const std::string name = GENERATE("tiny-linear", "tiny-transformer", "default");
  const auto runner = open(name, best(), 2);
  const Bytes text = random_code(280, 2);
  const Bytes other = random_code(100, 3);
  const auto cache = runner->new_cache();
  const auto other_cache = runner->new_cache();
  const std::vector<float> expected = all_logits(*runner, text, 1);
  const std::vector<float> other_expected = all_logits(*runner, other, 1);
  const auto row_of = [](const std::vector<float>& logits, std::size_t row) { return std::span(logits).subspan(row * 256, 256); };

  for (const std::size_t before : {std::size_t{1}, std::size_t{17}, std::size_t{250}}) {
    for (std::size_t width = 1; width <= 16; ++width) {
      CAPTURE(name, before, width);
      cache->truncate(0);
      for (std::size_t i = 0; i < before; i += 50)
        runner->forward(std::span(text).subspan(i, std::min<std::size_t>(50, before - i)), *cache, Rows::kLast);
      const auto piece = std::span(text).subspan(before, width);
      const auto rows = runner->forward(piece, *cache, Rows::kAll);
      for (std::size_t i = 0; i < width; ++i) REQUIRE(same_bits(rows[i], row_of(expected, before + i)));
      cache->truncate(before);
      REQUIRE(same_bits(runner->forward(piece, *cache, Rows::kLast)[0], row_of(expected, before + width - 1)));

      cache->truncate(before);
      other_cache->truncate(0);
      const ModelRunner::Piece pieces[] = {{std::span(other).first(width + 3), other_cache.get()}, {piece, cache.get()}};
      const auto joint = runner->forward(pieces, Rows::kAll);
      for (std::size_t i = 0; i < width + 3; ++i) REQUIRE(same_bits(joint[i], row_of(other_expected, i)));
      for (std::size_t i = 0; i < width; ++i) REQUIRE(same_bits(joint[width + 3 + i], row_of(expected, before + i)));
    }
  }
}

TEST_CASE("a session that was cut and continued anywhere gives what a fresh one gives") {
  const std::string name = GENERATE("tiny-linear", "default");
  const auto runner = open(name, best(), 2);
  engine::Session session(*runner);
  std::mt19937 random(4);
  Bytes text = random_code(300, 5);
  std::size_t n_reused = 0;
  for (int i = 0; i < 40; ++i) {
    const std::size_t at = random() % text.size();
    text.resize(at);
    const Bytes more = random_code(1 + random() % 200, static_cast<std::uint32_t>(random()));
    text.insert(text.end(), more.begin(), more.end());
    text.resize(std::min<std::size_t>(text.size(), 480));
    const auto prefilled = session.prefill(text, {});
    n_reused += prefilled.n_reused;
    engine::Session fresh(*runner);
    const auto last = copy(session.last_logits());
    fresh.prefill(text, {});
    CAPTURE(name, i, at, text.size());
    REQUIRE(prefilled.n_reused + prefilled.n_computed == text.size());
    REQUIRE(same_bits(last, fresh.last_logits()));
  }
  CHECK(n_reused > 0);
}

TEST_CASE("layers with a window keep a ring, and what it lost is computed again") {
  auto config = load_model("tiny-linear").config();
  config.max_context = 4096;
  config.window.assign(config.window.size(), 64);
  config.window.back() = 0;
  Int8Runner runner(random_model(config, 6), best(), 1);
  auto full = config;
  full.max_context = 1024;  // so short that every layer keeps everything
  Int8Runner small(random_model(full, 6), best(), 1);
  CHECK(static_cast<const engine::Int8Cache&>(*runner.new_cache()).n_blocks(0) < 17);

  const Bytes text = random_code(3000, 7);
  engine::Session session(runner);
  session.prefill(text, {});
  // A little back: reused. The cache allows what Int8Cache::kRollback promises.
  const auto near = session.prefill(std::span(text).first(2600), {});
  CHECK(near.n_reused == 2599);
  // Far back: the window's keys are gone.
  const auto far = session.prefill(std::span(text).first(700), {});
  CHECK(far.n_reused == 0);
  engine::Session fresh(small);
  fresh.prefill(std::span(text).first(700), {});
  CHECK(same_bits(session.last_logits(), fresh.last_logits()));
  // Through all of the ring's turns the rows are those of a cache that has none.
  const auto whole = copy(session.last_logits());
  session.prefill(text, {});
  session.prefill(std::span(text).first(700), {});
  CHECK(same_bits(session.last_logits(), whole));
}

TEST_CASE("a position sees its window and nothing before it") {
  auto config = load_model("tiny-linear").config();
  config.n_layers = 1;
  config.window = {8};
  Int8Runner runner(random_model(config, 11), best(), 1);
  const auto longest = *std::max_element(config.ngram_orders.begin(), config.ngram_orders.end());
  for (const std::size_t changed : {std::size_t{10}, std::size_t{250}, std::size_t{256}}) {
    Bytes text = random_code(300, 12);
    const auto before = all_logits(runner, text, 64);
    text[changed] = text[changed] == 'a' ? 'b' : 'a';
    const auto after = all_logits(runner, text, 64);
    const auto is_same = [&](std::size_t row) {
      return same_bits(std::span(before).subspan(row * 256, 256), std::span(after).subspan(row * 256, 256));
    };
    // The byte is in the n-grams of the longest - 1 positions behind it, and each of those in the windows of 7 more.
    const std::size_t last = changed + static_cast<std::size_t>(longest) - 1 + 7;
    CAPTURE(changed, last);
    for (std::size_t row = 0; row < 300; ++row) {
      if (row < changed || row > last) REQUIRE(is_same(row));
    }
    CHECK_FALSE(is_same(changed));
    CHECK_FALSE(is_same(last));
  }
}

TEST_CASE("logits, drafts and hidden states are near those of an independent implementation in float64") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  const auto runner = open(name, best(), 2);
  // The random weights of the tiny models are as sensitive to rounding as weights can be.
  const double tolerance = name == "seed" ? 0.05 : 0.1;
  for (const GoldenCase& golden : load_golden(name)) {
    CAPTURE(name, golden.name);
    engine::Session session(*runner);
    const auto prefilled = session.prefill(golden.prompt, {});
    CHECK(relative_distance(golden.head_logits_last[0], session.last_logits().data()) < tolerance);
    CHECK(relative_distance(golden.hidden_last, runner->hidden(prefilled.last_row).data()) < tolerance);
    runner->begin_draft(prefilled.last_row, session.cache());
    for (std::size_t i = 1; i < golden.draft.size(); ++i) {
      const auto row = runner->next_draft(golden.draft[i - 1]);
      CAPTURE(i);
      if (runner->config().cell_dim == 0) CHECK(relative_distance(golden.head_logits_last[i], row.data()) < tolerance);
      if (i + 1 == golden.draft.size()) CHECK(relative_distance(golden.draft_logits_last, row.data()) < 2 * tolerance);
    }
  }
}

TEST_CASE("sizes that are no multiple of a panel or a vector are computed as in f32") {
  auto config = load_model("tiny-linear").config();
  config.d_model = 42;
  config.n_heads = 3;
  config.n_kv_heads = GENERATE(1, 3);
  config.head_dim = 14;
  config.d_ff = 50;
  config.ngram_dim = 5;
  config.cell_dim = 11;
  engine::F32Runner wide(random_model(config, 15), *kernels::select_kernels(""));
  Int8Runner narrow(random_model(config, 15), best(), 2);
  const Bytes text = random_code(90, 16);
  const auto compare = [](const std::vector<float>& expected, const float* found) {
    CHECK(relative_distance(std::vector<double>(expected.begin(), expected.end()), found) < 0.1);
  };
  const auto wide_cache = wide.new_cache();
  const auto narrow_cache = narrow.new_cache();
  const auto piece = std::span(text).first(60);
  const auto expected = copy(wide.forward(piece, *wide_cache, Rows::kLast)[0]);
  compare(expected, narrow.forward(piece, *narrow_cache, Rows::kLast)[0].data());
  wide.begin_draft(59, *wide_cache);
  narrow.begin_draft(59, *narrow_cache);
  for (int head = 1; head < config.n_predict; ++head) {
    const auto row = copy(wide.next_draft(text[static_cast<std::size_t>(60 + head)]));
    compare(row, narrow.next_draft(text[static_cast<std::size_t>(60 + head)]).data());
  }
}

TEST_CASE("a typed byte computes at most two positions, an edit in the middle what follows it") {
  engine::Completer completer(open("default", best(), 2));
  engine::CompletionRequest request;
  request.document.path = "a.py";
  std::string text;
  for (int i = 0; i < 12; ++i) text += "def area_" + std::to_string(i) + "(radius):\n    return 3.14 * radius\n";
  const auto complete_at_end = [&] {
    request.document.text = std::make_shared<const std::string>(text);
    request.cursor = text.size();
    return completer.complete(request, {}, {}).counts;
  };
  complete_at_end();
  for (const char key : std::string("x = area_1(")) {
    text += key;
    CHECK(complete_at_end().prefilled_bytes <= 2);
  }
  const std::size_t place = text.size() / 2;
  text[place] = '#';
  CHECK(complete_at_end().prefilled_bytes == text.size() - place);
}

TEST_CASE("a copied cache goes on as the one that it was copied from") {
  const auto runner = open("default");
  const Bytes text = random_code(300, 8);
  const auto original = runner->new_cache();
  runner->forward(std::span(text).first(60), *original, Rows::kLast);
  const auto twin = runner->new_cache();
  runner->copy_cache(*original, *twin);
  const auto expected = copy(runner->forward(std::span(text).subspan(60, 40), *original, Rows::kLast)[0]);
  CHECK(same_bits(runner->forward(std::span(text).subspan(60, 40), *twin, Rows::kLast)[0], expected));

  // What a ring has lost, its copy has lost too.
  auto config = load_model("tiny-linear").config();
  config.max_context = 4096;
  config.window.assign(config.window.size(), 64);
  Int8Runner with_ring(random_model(config, 13), best(), 1);
  engine::Session session(with_ring);
  session.prefill(random_code(3000, 14), {});
  const auto ring_twin = with_ring.new_cache();
  with_ring.copy_cache(session.cache(), *ring_twin);
  for (const std::size_t length : {std::size_t{0}, std::size_t{100}, std::size_t{700}, std::size_t{2600}, std::size_t{3000}}) {
    CHECK(ring_twin->reusable(length) == session.cache().reusable(length));
  }
  CHECK(ring_twin->reusable(2600) == 2600);
}

TEST_CASE("int8 arithmetic costs at most 0.01 bits per byte of files that no model has seen") {
  // benchmarks/samples was written for this repository and is part of no training set.
  const std::string name = GENERATE("default", "seed");
  engine::F32Runner wide(load_model(name), *kernels::select_kernels(""));
  const auto narrow = open(name);
  double cost = 0;
  double total = 0;
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "benchmarks/samples")) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    text.resize(std::min(text.size(), static_cast<std::size_t>(wide.config().max_context)));
    Bytes bytes{0xFE, 0xFC};
    bytes.insert(bytes.end(), text.begin(), text.end() - 2);
    const double f32 = bits_per_byte(wide, bytes);
    const double int8 = bits_per_byte(*narrow, bytes);
    UNSCOPED_INFO(entry.path().filename() << ": " << f32 << " in f32, " << int8 << " in int8");
    cost += int8 - f32;
    total += f32;
    ++n;
  }
  REQUIRE(n >= 6);
  UNSCOPED_INFO(name << ": mean " << total / n << ", cost " << cost / n);
  CHECK(cost / n < 0.01);
  CHECK(cost / n > -0.01);
}

TEST_CASE("a gain that is no number makes logits that are none") {
  auto config = load_model("tiny-linear").config();
  Int8Runner runner(random_model(config, 9, "layers.0.ffn_norm"), best(), 2);
  const auto cache = runner.new_cache();
  const auto rows = runner.forward(random_code(20, 10), *cache, Rows::kAll);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const float logit : rows[i]) REQUIRE(std::isnan(logit));
  }
}

}  // namespace octet::tests
