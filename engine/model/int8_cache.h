// Keys and values in the int8 profile: blocks of 256 positions, aligned to absolute positions, for each layer and key/value head.
//
// A layer with a window keeps a ring of blocks: its window, one batch, and kRollback positions more, so that a sequence can be
// cut back by that much. Where it is cut back further, reusable() says that the ring no longer has what the layer needs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytemodel/aligned_floats.h"
#include "bytemodel/check.h"
#include "engine/model/kv_cache.h"
#include "kernels/int8/packed.h"

namespace octet::engine {

class Int8Cache final : public KvCache {
 public:
  static constexpr std::size_t kRollback = 512;

  struct Shape {
    std::vector<int> windows;  // [n_blocks]; 0 = everything
    int n_kv_heads;
    int head_dim;
    std::size_t max_batch;
  };

  Int8Cache(std::size_t capacity, const Shape& shape) : KvCache(capacity), shape_(shape) {
    const std::size_t all = n_blocks_of(capacity);
    std::size_t n_blocks = 0;
    for (const int window : shape.windows) {
      const std::size_t ring = n_blocks_of(static_cast<std::size_t>(window) + kRollback + shape.max_batch) + 1;
      Layer layer;
      layer.window = static_cast<std::size_t>(window);
      layer.n_blocks = window == 0 ? all : std::min(all, ring);
      layer.first_block = n_blocks;
      layer.holds.resize(layer.n_blocks);
      n_blocks += layer.n_blocks * static_cast<std::size_t>(shape.n_kv_heads);
      layers_.push_back(std::move(layer));
    }
    const std::size_t bytes = block_bytes();
    memory_.resize(n_blocks * bytes);
    for (std::size_t i = 0; i < n_blocks; ++i) blocks_.push_back(block_at(memory_.data() + i * bytes));
  }

  /// The ring of blocks of a layer's key/value head, [n_blocks(layer)].
  const kernels::int8::KvBlock* blocks(std::size_t layer, int kv_head) const {
    return blocks_.data() + layers_[layer].first_block + static_cast<std::size_t>(kv_head) * layers_[layer].n_blocks;
  }
  std::int64_t n_blocks(std::size_t layer) const { return static_cast<std::int64_t>(layers_[layer].n_blocks); }

  /// Where position `pos` is kept.
  const kernels::int8::KvBlock& block_of(std::size_t layer, int kv_head, std::size_t pos) const {
    return blocks(layer, kv_head)[pos / kBlock % layers_[layer].n_blocks];
  }

  /// The runner is about to write the positions [begin, end) of every layer.
  void will_write(std::size_t begin, std::size_t end) {
    for (Layer& layer : layers_) {
      for (std::size_t block = begin / kBlock; block * kBlock < end; ++block) layer.holds[block % layer.n_blocks] = block;
    }
  }

  std::size_t reusable(std::size_t length) const override {
    for (const Layer& layer : layers_) {
      if (layer.window == 0 || length == 0) continue;
      const std::size_t first = length < layer.window ? 0 : length - layer.window;
      for (std::size_t block = first / kBlock; block * kBlock < length; ++block) {
        if (layer.holds[block % layer.n_blocks] != block) return 0;
      }
    }
    return length;
  }

  /// CHECKs that `from` has the same shape.
  void copy(const Int8Cache& from) {
    OCTET_CHECK(from.memory_.size() == memory_.size());
    copy_bytes(from);
    std::copy(from.memory_.begin(), from.memory_.end(), memory_.begin());
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i].holds = from.layers_[i].holds;
  }

 private:
  static constexpr std::size_t kBlock = kernels::int8::kKvBlock;

  struct Layer {
    std::size_t window;
    std::size_t n_blocks;
    std::size_t first_block;         // in blocks_
    std::vector<std::size_t> holds;  // [n_blocks] which block of the sequence is where
  };

  static std::size_t n_blocks_of(std::size_t positions) { return (positions + kBlock - 1) / kBlock; }
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
  std::vector<Layer> layers_;
  std::vector<std::byte, bytemodel::AlignedAllocator<std::byte>> memory_;
  std::vector<kernels::int8::KvBlock> blocks_;
};

}  // namespace octet::engine
