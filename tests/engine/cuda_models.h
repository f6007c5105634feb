// Runners on the emulated GPU, and what they are compared with.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "bytemodel/control_bytes.h"
#include "engine/model/cuda_runner.h"
#include "engine/model/f32_runner.h"
#include "engine/model/int8_runner.h"
#include "tests/support/cuda_emulator/runtime.h"
#include "tests/support/golden.h"
#include "tests/support/models.h"

extern "C" octet::kernels::cuda::Device* octet_cuda_open_device(int version, char* why, std::size_t why_bytes);

namespace octet::tests {

using Bytes = std::vector<std::uint8_t>;
using Rows = engine::ModelRunner::Rows;
using kernels::cuda::Format;

inline std::unique_ptr<engine::ModelRunner> on_cpu(bytemodel::ModelFile model) {
  return std::make_unique<engine::Int8Runner>(std::move(model), *kernels::int8::select(""), 1);
}

inline std::unique_ptr<kernels::cuda::Device> emulated_device() {
  char why[300] = "";
  std::unique_ptr<kernels::cuda::Device> device(octet_cuda_open_device(kernels::cuda::kDeviceVersion, why, sizeof(why)));
  CAPTURE(std::string(why));
  REQUIRE(device != nullptr);
  return device;
}

inline std::unique_ptr<engine::ModelRunner> in_f32(bytemodel::ModelFile model) {
  return std::make_unique<engine::F32Runner>(std::move(model), *kernels::select_kernels(""));
}

inline std::unique_ptr<engine::CudaRunner> on_gpu(bytemodel::ModelFile model, Format format = Format::kInt8, std::size_t max_bytes = 0) {
  auto steps = engine::CudaSteps::open(model, format, emulated_device(), max_bytes);
  if (!steps) FAIL(steps.error().message);
  return std::make_unique<engine::CudaRunner>(std::move(model), std::move(*steps), format == Format::kInt8 ? on_cpu : in_f32);
}

/// On the GPU to the end, and no kernel broke a rule.
inline void require_on_gpu(const engine::ModelRunner& runner) {
  CAPTURE(cuda_emulator::report(), runner.trouble());
  REQUIRE(cuda_emulator::report().empty());
  REQUIRE(std::string(runner.device()) == "cuda");
}

/// A small model of any shape.
inline bytemodel::ModelConfig random_config(std::mt19937& random) {
  auto config = load_model("tiny-linear").config();
  const auto below = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  config.d_model = 8 + below(90);
  config.n_kv_heads = 1 + below(3);
  config.n_heads = config.n_kv_heads * (1 + below(3));
  config.head_dim = 2 * (1 + below(20));
  config.d_ff = 10 + below(100);
  config.n_layers = 1 + below(3);
  config.window.clear();
  for (int i = 0; i < config.n_layers; ++i) config.window.push_back(below(2) == 0 ? 0 : 1 + below(60));
  config.ngram_orders.clear();
  for (int i = below(4); i > 0; --i) config.ngram_orders.push_back(below(3) == 0 ? kernels::cuda::kMaxTail : 1 + below(9));
  config.ngram_dim = 1 + below(12);
  config.n_predict = 1 + below(5);
  config.head_kind = below(2) == 0 ? bytemodel::HeadKind::kLinear : bytemodel::HeadKind::kTransformer;
  config.cell_dim = below(2) * (1 + below(40));
  return config;
}

inline Bytes random_code(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  static const std::string kAlphabet = "etaoin(shrdlu) _=;{}\n\t\"0123.xyz";
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(kAlphabet[random() % kAlphabet.size()]);
  return bytes;
}

inline bool same_bits(engine::LogitsRow a, engine::LogitsRow b) { return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0; }

inline std::uint8_t best_byte(engine::LogitsRow row) {
  return static_cast<std::uint8_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

/// The prompt into an empty cache, as many bytes a call as the runner takes.
struct Prefilled {
  std::uint8_t next = 0;  // the likeliest byte
  std::size_t row = 0;    // the last call's last
};
inline Prefilled prefill(engine::ModelRunner& runner, engine::KvCache& cache, const Bytes& prompt) {
  Prefilled out;
  while (cache.length() < prompt.size()) {
    const auto rest = std::span(prompt).subspan(cache.length());
    const auto part = rest.first(std::min(runner.max_prefill(), rest.size()));
    out = {best_byte(runner.forward(part, cache, Rows::kLast)[0]), part.size() - 1};
  }
  return out;
}

/// Up to n bytes behind the prompt, drafted by the heads and verified; what was drafted, and the bytes that each step kept.
struct Written {
  Bytes text;
  Bytes drafted;
  std::vector<std::size_t> gains;
  bool operator==(const Written&) const = default;
};
inline Written write_text(engine::ModelRunner& runner, const Bytes& prompt, std::size_t n) {
  const auto cache = runner.new_cache();
  auto [own, row] = prefill(runner, *cache, prompt);
  Written out;
  while (out.text.size() < n && (out.text.empty() || out.text.back() != kEnd)) {
    Bytes draft{own};
    runner.begin_draft(row, *cache);
    for (int i = 1; i < runner.config().n_predict; ++i) draft.push_back(best_byte(runner.next_draft(draft.back())));
    const std::size_t before = cache->length();
    const auto rows = runner.forward(draft, *cache, Rows::kAll);
    std::size_t kept = 1;
    while (kept < draft.size() && draft[kept] == best_byte(rows[kept - 1])) ++kept;
    own = best_byte(rows[kept - 1]);
    row = kept - 1;
    cache->truncate(before + kept);
    out.text.insert(out.text.end(), draft.begin(), draft.begin() + static_cast<std::ptrdiff_t>(kept));
    out.drafted.insert(out.drafted.end(), draft.begin(), draft.end());
    out.gains.push_back(kept);
  }
  return out;
}

/// The same text a byte at a time.
inline Bytes write_plainly(engine::ModelRunner& runner, const Bytes& prompt, std::size_t n) {
  const auto cache = runner.new_cache();
  Bytes text{prefill(runner, *cache, prompt).next};
  while (text.size() < n && text.back() != kEnd) text.push_back(best_byte(runner.forward(std::span(text).last(1), *cache, Rows::kLast)[0]));
  return text;
}

}  // namespace octet::tests
