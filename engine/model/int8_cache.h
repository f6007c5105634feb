// Keys and values in the int8 profile: blocks of 256 positions, aligned to absolute positions, for each layer and key/value head, in the
// rings that KvRings keeps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytemodel/aligned_floats.h"
#include "bytemodel/check.h"
#include "engine/model/kv_cache.h"
#include "engine/model/kv_rings.h"
#include "kernels/int8/packed.h"

namespace octet::engine {

class Int8Cache final : public KvCache {
 public:
  static constexpr std::size_t kRollback = KvRings::kRollback;

  struct Shape {
    std::vector<int> windows;  // [n_blocks]; 0 = everything
    int n_kv_heads;
    int head_dim;
    std::size_t max_batch;
  };

  Int8Cache(std::size_t capacity, const Shape& shape) : KvCache(capacity), shape_(shape), rings_(capacity, shape.windows, shape.max_batch) {
    std::size_t n_blocks = 0;
    for (std::size_t i = 0; i < rings_.n_layers(); ++i) {
      first_blocks_.push_back(n_blocks);
      n_blocks += rings_.n_blocks(i) * static_cast<std::size_t>(shape.n_kv_heads);
    }
    const std::size_t bytes = block_bytes();
    memory_.resize(n_blocks * bytes);
    for (std::size_t i = 0; i < n_blocks; ++i) blocks_.push_back(block_at(memory_.data() + i * bytes));
  }

  /// The ring of blocks of a layer's key/value head, [n_blocks(layer)].
  const kernels::int8::KvBlock* blocks(std::size_t layer, int kv_head) const {
    return blocks_.data() + first_blocks_[layer] + static_cast<std::size_t>(kv_head) * rings_.n_blocks(layer);
  }
  std::int64_t n_blocks(std::size_t layer) const { return static_cast<std::int64_t>(rings_.n_blocks(layer)); }

  /// Where position `pos` is kept.
  const kernels::int8::KvBlock& block_of(std::size_t layer, int kv_head, std::size_t pos) const {
    return blocks(layer, kv_head)[pos / kBlock % rings_.n_blocks(layer)];
  }

  /// The runner is about to write the positions [begin, end) of every layer.
  void will_write(std::size_t begin, std::size_t end) { rings_.will_write(begin, end); }

  std::size_t reusable(std::size_t length) const override { return rings_.reusable(length); }

  /// CHECKs that `from` has the same shape.
  void copy(const Int8Cache& from) {
    OCTET_CHECK(from.memory_.size() == memory_.size());
    copy_bytes(from);
    std::copy(from.memory_.begin(), from.memory_.end(), memory_.begin());
    rings_ = from.rings_;
  }

 private:
  static constexpr std::size_t kBlock = kernels::int8::kKvBlock;

  std::size_t keys_bytes() const { return kernels::int8::packed_bytes(kernels::int8::kKvBlock, shape_.head_dim); }
  std::size_t values_bytes() const { return kernels::int8::packed_bytes(shape_.head_dim, kernels::int8::kKvBlock); }
  std::size_t block_bytes() const { return keys_bytes() + values_bytes() + kBlock * (2 * sizeof(float) + sizeof(std::int32_t)); }

  kernels::int8::KvBlock block_at(std::byte* memory) const {
    std::byte* numbers = memory + keys_bytes() + values_bytes();
    return {reinterpret_cast<std::int8_t*>(memory), reinterpret_cast<std::int8_t*>(memory + keys_bytes()),
            reinterpret_cast<float*>(numbers), reinterpret_cast<float*>(numbers + kBlock * sizeof(float)),
            reinterpret_cast<std::int32_t*>(numbers + 2 * kBlock * sizeof(float))};
  }

  Shape shape_;
  KvRings rings_;
  std::vector<std::size_t> first_blocks_;  // [n_layers] in blocks_
  std::vector<std::byte, bytemodel::AlignedAllocator<std::byte>> memory_;
  std::vector<kernels::int8::KvBlock> blocks_;
};

}  // namespace octet::engine
