// Softmax attention over int8 keys and values, R queries at a time. Included by int8_kernels.cpp alone.
//
// The steps and their order are those of reference::attention_int8. Both products are exact: scores as int8 . int8, the mixture
// as 15-bit weights . int8.
#pragma once

#include "kernels/cpu/vec8.h"
#include "kernels/int8/int8_kernels.h"

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr float kProbabilitySteps = 32767.0F;  // as kernels/reference/int8_ops.cpp
constexpr float kSmallestWeight = 1e-33F;

void append_kv(const float* key, const float* value, int head_dim, const int8::KvBlock& block, int slot) {
  std::int32_t sum = 0;
  const int panel = slot / int8::kPanel;
  std::int8_t* key_quads =
      block.keys + static_cast<std::ptrdiff_t>(panel) * int8::n_quads(head_dim) * int8::kLine + slot % int8::kPanel * int8::kQuad;
  block.key_scales[slot] = quantize_values(
      head_dim, [&](int i, auto n) { return load_part(key + i, n); },
      [&](int i, VecInt q) {
        for (int j = 0; j < kVec; ++j) sum += q[j];
        const Bytes bytes = to_bytes(q);
        __builtin_memcpy(key_quads + i / int8::kQuad * int8::kLine, &bytes, int8::kQuad);
        if (i + int8::kQuad >= head_dim) return;
        __builtin_memcpy(key_quads + (i / int8::kQuad + 1) * int8::kLine, reinterpret_cast<const std::int8_t*>(&bytes) + int8::kQuad,
                         int8::kQuad);
      });
  block.key_biases[slot] = 128 * sum;

  std::int8_t* value_bytes = block.values + slot / int8::kQuad * int8::kLine + slot % int8::kQuad;
  constexpr std::ptrdiff_t kPanelBytes = int8::kKvBlock / int8::kQuad * int8::kLine;
  block.value_scales[slot] = quantize_values(
      head_dim, [&](int i, auto n) { return load_part(value + i, n); },
      [&](int i, VecInt q) {
        std::int8_t* to = value_bytes + i / int8::kPanel * kPanelBytes + i % int8::kPanel * int8::kQuad;
        const Bytes bytes = to_bytes(q);
        for (int j = 0; j < kVec; ++j) to[j * int8::kQuad] = bytes[j];
      });
}

/// What a query remembers of the blocks before.
struct Running {
  bool is_empty = true;
  float largest = 0;
  float total = 0;
  float keep = 0;   // factors of this block: of what was before,
  float enter = 0;  // of what it adds,
  float unit = 0;   // and of a step of its weights
};

OCTET_INLINE VecInt positions_from(int t) { return VecInt{0, 1, 2, 3, 4, 5, 6, 7} + t; }

/// Turns a block's scores [first, last) into weights of 15 bits, both for positions [begin, end) (multiples of 16), those
/// outside [first, last) to 0.
OCTET_INLINE void softmax_block(float* scores, const float* value_scales, int begin, int end, int first, int last, std::int16_t* weights,
                                Running& state) {
  const auto inside = [&](int t) { return (positions_from(t) >= first) & (positions_from(t) < last); };
  const auto is_whole = [&](int t) { return first <= t && t + 2 * kVec <= last; };
  Vec best = Vec{} - __builtin_inff();
  for (int t = begin; t < end; t += 2 * kVec) {
    Vec low = load(scores + t);
    Vec high = load(scores + t + kVec);
    if (!is_whole(t)) {
      low = inside(t) ? low : Vec{} - __builtin_inff();
      high = inside(t + kVec) ? high : Vec{} - __builtin_inff();
    }
    const Vec larger = low > high ? low : high;
    best = larger > best ? larger : best;
  }
  const float largest = max_of(best);

  Vec sums[2] = {};
  Vec heaviest = {};
  for (int t = begin; t < end; t += 2 * kVec) {
    Vec e[2] = {exp2(load(scores + t) - largest), exp2(load(scores + t + kVec) - largest)};
    Vec weight[2] = {e[0] * load(value_scales + t), e[1] * load(value_scales + t + kVec)};
    if (!is_whole(t)) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        e[half] = inside(t + half * kVec) ? e[half] : Vec{};
        weight[half] = inside(t + half * kVec) ? weight[half] : Vec{};
      }
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      sums[half] += e[half];
      heaviest = weight[half] > heaviest ? weight[half] : heaviest;
      store(scores + t + half * kVec, weight[half]);
    }
  }
  const float largest_weight = max_of(heaviest);

  const float steps = largest_weight < kSmallestWeight ? 0.0F : kProbabilitySteps / largest_weight;
  for (int t = begin; t < end; t += kVec) {
    const Vec x = load(scores + t);
    const VecInt p = round_even((x > 0.0F ? x : Vec{}) * steps);
    *reinterpret_cast<Shorts*>(weights + t) = to_shorts(p);
  }

  const float joint = state.is_empty || largest > state.largest ? largest : state.largest;
  const Vec factors = exp2(Vec{state.largest - joint, largest - joint});
  state.keep = state.is_empty ? 0.0F : factors[0];
  state.enter = factors[1];
  state.unit = largest_weight / kProbabilitySteps;
  state.total = state.total * state.keep + fold(sums[0], sums[1]) * state.enter;
  state.largest = joint;
  state.is_empty = false;
}

OCTET_INLINE int clamp_to_block(std::int64_t t) { return t < 0 ? 0 : t > int8::kKvBlock ? int8::kKvBlock : static_cast<int>(t); }

template <int R>
OCTET_INLINE void attend(const int8::Attention& a, int query) {
  const int head_dim = a.head_dim;
  const auto stride = static_cast<std::ptrdiff_t>(int8::row_bytes(head_dim));
  const std::int64_t* begin = a.begin + query;
  const std::int64_t* end = a.end + query;
  std::int64_t lowest = begin[0];
  std::int64_t highest = end[0];
  for (int r = 0; r < R; ++r) {
    lowest = begin[r] < lowest ? begin[r] : lowest;
    highest = end[r] > highest ? end[r] : highest;
    for (int i = 0; i < head_dim; ++i) a.out[query + r][i] = 0;
  }

  alignas(64) float scores[R][int8::kKvBlock];
  alignas(64) std::int16_t weights[R][int8::kKvBlock];
  Running states[R];
  for (std::int64_t b = lowest / int8::kKvBlock; b * int8::kKvBlock < highest; ++b) {
    const int8::KvBlock& block = a.blocks[b % a.n_blocks];
    const std::int64_t origin = b * int8::kKvBlock;
    const int from = clamp_to_block(lowest - origin) / int8::kPanel * int8::kPanel;
    const int to = int8::n_panels(clamp_to_block(highest - origin)) * int8::kPanel;

    const int8::PackedMatrix keys{block.keys, block.key_scales, block.key_biases, int8::kKvBlock, head_dim};
    for_sums<R>(a.queries.values + query * stride, stride, keys, from / int8::kPanel, to / int8::kPanel,
                [&](int r, int panel, const std::int32_t* sums) {
                  const Scaled out = scaled(sums, a.queries.scales[query + r] * a.scale, block.key_scales + panel * int8::kPanel);
                  store(scores[r] + panel * int8::kPanel, out.low);
                  store(scores[r] + panel * int8::kPanel + kVec, out.high);
                });
    bool is_active[R];
    for (int r = 0; r < R; ++r) {
      const int first = clamp_to_block(begin[r] - origin);
      const int last = clamp_to_block(end[r] - origin);
      is_active[r] = first < last;
      if (!is_active[r]) {
        for (int t = from; t < to; ++t) weights[r][t] = 0;
      } else {
        softmax_block(scores[r], block.value_scales, from, to, first, last, weights[r], states[r]);
      }
    }
    for (int i = 0; i < head_dim; i += int8::kPanel) {
      alignas(64) std::int32_t sums[R * int8::kPanel];
      const std::int8_t* panel = block.values + static_cast<std::ptrdiff_t>(i) * int8::kKvBlock;
      mix<R>(weights[0], int8::kKvBlock, panel, from / int8::kQuad, to / int8::kQuad, sums);
      for (int r = 0; r < R; ++r) {
        if (!is_active[r]) continue;
        float* out = a.out[query + r] + i;
        for_vectors(head_dim - i < int8::kPanel ? head_dim - i : int8::kPanel, [&](int j, auto n) {
          const Vec mixed = __builtin_convertvector(*reinterpret_cast<const VecInt*>(sums + r * int8::kPanel + j), Vec);
          const Vec before = load_part(out + j, n);
          store_part(out + j, before * states[r].keep + (mixed * states[r].unit) * states[r].enter, n);
        });
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    float* out = a.out[query + r];
    for_vectors(head_dim, [&](int i, auto n) { store_part(out + i, load_part(out + i, n) / states[r].total, n); });
  }
}

void attention(const int8::Attention& a) {
  for_row_tiles(a.n_queries, [&](int query, auto rows) { attend<decltype(rows)::value>(a, query); });
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA
