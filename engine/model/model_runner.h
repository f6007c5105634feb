// The backend boundary: one forward step of a byte model. A fake, a checker and a recorder come for free, and a backend
// can fuse a whole step.
//
// Thread: a runner and the caches it made belong to one thread at a time (the engine thread).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bytemodel/model_config.h"
#include "engine/model/kv_cache.h"

namespace octet::engine {

inline constexpr std::size_t kVocabulary = 256;

/// The logits of the 256 byte values at one position.
using LogitsRow = std::span<const float, kVocabulary>;

/// Logits rows of consecutive positions, owned by the runner.
class LogitsRows {
 public:
  LogitsRows(const float* data, std::size_t n_rows) : data_(data), n_rows_(n_rows) {}
  std::size_t size() const { return n_rows_; }
  LogitsRow operator[](std::size_t row) const { return LogitsRow(data_ + row * kVocabulary, kVocabulary); }
  LogitsRows part(std::size_t first, std::size_t n) const { return {data_ + first * kVocabulary, n}; }

 private:
  const float* data_;
  std::size_t n_rows_;
};

class ModelRunner {
 public:
  virtual ~ModelRunner() = default;

  virtual const bytemodel::ModelConfig& config() const = 0;

  /// "cpu" or "cuda", and the instruction set or device name.
  virtual const char* device() const = 0;
  virtual const char* isa() const = 0;

  /// Empty, or what went wrong with the device that was chosen and who computes instead.
  virtual std::string trouble() const { return {}; }

  /// An empty cache with room for config().max_context positions and one batch more.
  virtual std::unique_ptr<KvCache> new_cache() const = 0;

  /// Makes `to` hold what `from` holds; both are caches of this runner.
  virtual void copy_cache(const KvCache& from, KvCache& to) const = 0;

  /// The most bytes that one call of forward() takes.
  virtual std::size_t max_batch() const = 0;
  /// The same with Rows::kLast; at least max_batch(). Becomes less where a GPU fails.
  virtual std::size_t max_prefill() const { return max_batch(); }

  /// Consecutive bytes of one sequence.
  struct Piece {
    std::span<const std::uint8_t> bytes;  // at least one
    KvCache* cache;
  };

  /// Appends the bytes of each piece to its cache and computes the primary head: row i holds the logits of the byte that follows
  /// the i-th byte of all pieces together, of which there are 1 to max_batch(). The caches are different ones. With
  /// `Rows::kLast`, for a single piece, only the last byte's row is computed and returned, of up to max_prefill().
  /// A row's bits do not depend on the other pieces, nor on how the bytes were split into calls; but in bf16 they depend on which bytes
  /// were computed in calls of more than max_batch().
  /// The rows are valid until the next call of any method. CHECKs that the caches have room.
  enum class Rows { kAll, kLast };
  virtual LogitsRows forward(std::span<const Piece> pieces, Rows rows) = 0;
  LogitsRows forward(std::span<const std::uint8_t> bytes, KvCache& cache, Rows rows) {
    const Piece piece{bytes, &cache};
    return forward(std::span(&piece, 1), rows);
  }

  /// Starts a chain of proposals behind row `row` of the last forward(), whose cache has since been truncated to end with
  /// that row's byte, or not at all.
  virtual void begin_draft(std::size_t row, const KvCache& cache) = 0;

  /// Logits of draft head 2, 3, ... n_predict, one call each; `previous` is the byte chosen for the place before (the
  /// primary head's at the first call). Valid until the next call.
  virtual LogitsRow next_draft(std::uint8_t previous) = 0;

  /// Calls follow in a moment, or none soon: what helps to compute may wake up for them, or sleep. They only cost time.
  virtual void wake() {}
  virtual void rest() {}
};

}  // namespace octet::engine
