#include "engine/memory/mixer_input.h"

#include <algorithm>
#include <limits>
#include <span>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"
#include "engine/decode/sampler.h"
#include "kernels/reference/math.h"

namespace octet::engine {
namespace {

namespace ref = kernels::reference;
using mixer_details::kKinds;
using mixer_details::kLevels;

// A byte that the net holds for impossible still has so much.
constexpr float kLeastLog = -16;
constexpr float kLeastProbability = 1e-7F;

/// log(1 + n) / 3 of a count: a few units wide.
float log_count(std::uint32_t n) { return ref::log(1.0F + static_cast<float>(n)) * (1.0F / 3); }

float share(std::uint32_t n, std::uint32_t all) { return all == 0 ? 0.0F : static_cast<float>(n) / static_cast<float>(all); }

/// Fills a fixed number of inputs one after another.
class Writer {
 public:
  explicit Writer(std::span<float> out) : out_(out) {}
  void add(float value) { out_[n_++] = value; }
  void add(bool value) { add(value ? 1.0F : 0.0F); }
  void finish() const { OCTET_CHECK(n_ == out_.size()); }

 private:
  std::span<float> out_;
  std::size_t n_ = 0;
};

// Absolute discounting: what is taken off each count and left to the contexts below. Longer matches are trusted more.
// Source: Ney, Essen and Kneser 1994; the values were fitted by hand on training packages.
constexpr std::array<float, kLevels> kLevelDiscounts{0.85F, 0.75F, 0.65F, 0.5F, 0.4F, 0.3F, 0.25F};
constexpr float kKindDiscount = 0.8F;

/// The distribution of a source interpolated with what `blend` holds: each context's counts over those of the vaguer one.
void blend_in(const Evidence& evidence, std::size_t source, std::size_t n_bytes, std::array<float, Evidence::kMostBytes>& blend) {
  const SourceEvidence& all = evidence.of_source[source];
  const auto mix = [&](std::uint32_t n_all, std::uint32_t n_different, float discount, const auto& count) {
    if (n_all == 0) return;
    const float scale = 1.0F / static_cast<float>(n_all);
    const float left = discount * static_cast<float>(n_different) * scale;
    for (std::size_t i = 0; i < n_bytes; ++i) {
      blend[i] = std::max(static_cast<float>(count(evidence.of_byte[source][i])) - discount, 0.0F) * scale + left * blend[i];
    }
  };
  for (std::size_t k = 0; k < kKinds; ++k) {
    mix(all.kind[k], all.n_bytes_of_kind[k], kKindDiscount, [&](const ByteEvidence& byte) { return byte.kind[k]; });
  }
  for (std::size_t level = 0; level < kLevels; ++level) {
    mix(all.n[level], all.n_bytes[level], kLevelDiscounts[level], [&](const ByteEvidence& byte) { return byte.n[level]; });
  }
}

}  // namespace

NetRow::NetRow(LogitsRow logits_row, const ByteMask& allowed_bytes) : logits(logits_row), allowed(allowed_bytes) {
  // The three largest in one pass, of equal ones the lowest byte first; NaN is never among them.
  std::array<std::size_t, 3> top{kVocabulary, kVocabulary, kVocabulary};
  std::array<float, 3> values{-std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()};
  for (std::size_t byte = 0; byte < kVocabulary; ++byte) {
    const float value = logits[byte];
    const bool is_among = value > values[2] || (top[2] == kVocabulary && value == values[2]);
    if (!is_among || !allowed[byte]) continue;
    std::size_t place = 2;
    for (; place > 0 && (value > values[place - 1] || top[place - 1] == kVocabulary); --place) {
      values[place] = values[place - 1];
      top[place] = top[place - 1];
    }
    values[place] = value;
    top[place] = byte;
  }
  if (top[0] == kVocabulary) return;
  best = static_cast<std::uint8_t>(top[0]);
  second = top[1] == kVocabulary ? best : static_cast<std::uint8_t>(top[1]);
  third = top[2] == kVocabulary ? second : static_cast<std::uint8_t>(top[2]);
  const float probability = probability_of(logits, allowed, best);
  is_valid = probability > 0;  // not where another logit is NaN
  log_best = ref::log(std::max(probability, kLeastProbability));
}

std::array<float, Evidence::kMostBytes> memory_blend(const Evidence& evidence) {
  std::array<float, Evidence::kMostBytes> blend{};
  blend_in(evidence, kWorkspace, evidence.n_bytes, blend);
  blend_in(evidence, kOwn, evidence.n_bytes, blend);
  return blend;
}

MixerInput::MixerInput(const NetRow& net, const Evidence& known) {
  Evidence evidence = known;
  for (const std::uint8_t byte : {net.best, net.second}) {
    if (!is_control_byte(byte)) evidence.index_of(byte, Evidence::kMostBytes);
  }
  n_bytes = evidence.n_bytes;
  bytes = evidence.bytes;
  std::array<float, Evidence::kMostBytes> net_blend{};
  for (std::size_t i = 0; i < n_bytes; ++i) {
    log_net[i] = net.allowed[bytes[i]] ? std::max(net.log_probability(bytes[i]), kLeastLog) : kLeastLog;
    net_blend[i] = ref::exp(log_net[i]);
  }
  std::array<std::array<float, Evidence::kMostBytes>, 3> blends{net_blend, net_blend, net_blend};
  blend_in(evidence, kOwn, n_bytes, blends[0]);
  blend_in(evidence, kWorkspace, n_bytes, blends[1]);
  blends[2] = blends[1];
  blend_in(evidence, kOwn, n_bytes, blends[2]);

  Writer place(shared);
  place.add(net.log_best);
  place.add(std::max(net.log_probability(net.second), kLeastLog));
  for (std::size_t source = 0; source < kSources; ++source) {
    const SourceEvidence& all = evidence.of_source[source];
    const HitRates& hits = evidence.hits[source];
    place.add(static_cast<float>(all.longest) * (1.0F / 32));
    place.add(all.top ? log_net[*all.top] : 0.0F);
    place.add(hits.recent);
    place.add(hits.lasting);
    place.add(static_cast<float>(std::min(hits.n_misses, 32U)) * (1.0F / 32));
    place.add(static_cast<float>(all.aligned) * (1.0F / 48));
    for (std::size_t level = 0; level < kLevels; ++level) {
      place.add(log_count(all.n[level]));
      place.add(all.n_bytes[level] > 1);
    }
    for (std::size_t k = 0; k < kKinds; ++k) place.add(log_count(all.kind[k]));
  }
  place.finish();

  for (std::size_t i = 0; i < n_bytes; ++i) {
    Writer byte(of_byte[i]);
    byte.add(log_net[i]);
    byte.add(bytes[i] == net.best);
    byte.add(bytes[i] == net.second);
    for (const auto& blend : blends) byte.add(ref::log(std::max(blend[i], kLeastProbability)));
    byte.add(static_cast<float>(evidence.longest_in_folder[i]) * (1.0F / 32));
    byte.add(static_cast<float>(evidence.longest_of_ending[i]) * (1.0F / 32));
    for (std::size_t source = 0; source < kSources; ++source) {
      const ByteEvidence& own = evidence.of_byte[source][i];
      const SourceEvidence& all = evidence.of_source[source];
      byte.add(static_cast<float>(own.longest) * (1.0F / 32));
      byte.add(own.longest > 0 && own.longest == all.longest);
      byte.add(own.is_newest);
      byte.add(all.top == i);
      byte.add(static_cast<float>(own.aligned) * (1.0F / 48));
      byte.add(static_cast<float>(own.n_aligned) * 0.2F);
      byte.add(all.top_aligned == i);
      for (std::size_t level = 0; level < kLevels; ++level) {
        byte.add(share(own.n[level], all.n[level]));
        byte.add(log_count(own.n[level]));
      }
      for (std::size_t k = 0; k < kKinds; ++k) {
        byte.add(share(own.kind[k], all.kind[k]));
        byte.add(log_count(own.kind[k]));
        byte.add(own.is_newest_of_kind[k]);
      }
    }
    byte.finish();
  }
}

}  // namespace octet::engine
