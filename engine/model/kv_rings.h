// Which positions a cache still has, layer by layer: blocks of 256 positions, in a layer with a window a ring of them.
//
// The ring holds its window, one batch, and kRollback positions more, so that a sequence can be cut back by that much. Where it is cut
// back further, reusable() says that the ring no longer has what the layer needs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace octet::engine {

class KvRings {
 public:
  static constexpr std::size_t kRollback = 512;
  static constexpr std::size_t kBlock = 256;

  /// windows[n_layers]; 0 = everything.
  KvRings(std::size_t capacity, std::span<const int> windows, std::size_t max_batch) {
    const std::size_t all = n_blocks_of(capacity);
    for (const int window : windows) {
      const std::size_t ring = n_blocks_of(static_cast<std::size_t>(window) + kRollback + max_batch) + 1;
      const std::size_t n_blocks = window == 0 ? all : std::min(all, ring);
      layers_.push_back({static_cast<std::size_t>(window), std::vector<std::size_t>(n_blocks)});
    }
  }

  std::size_t n_layers() const { return layers_.size(); }
  /// Block b of a layer is kept at b % n_blocks(layer).
  std::size_t n_blocks(std::size_t layer) const { return layers_[layer].holds.size(); }

  /// The positions [begin, end) of every layer are about to be written.
  void will_write(std::size_t begin, std::size_t end) {
    for (Layer& layer : layers_) {
      for (std::size_t block = begin / kBlock; block * kBlock < end; ++block) layer.holds[block % layer.holds.size()] = block;
    }
  }

  /// As KvCache::reusable.
  std::size_t reusable(std::size_t length) const {
    for (const Layer& layer : layers_) {
      if (layer.window == 0 || length == 0) continue;
      const std::size_t first = length < layer.window ? 0 : length - layer.window;
      for (std::size_t block = first / kBlock; block * kBlock < length; ++block) {
        if (layer.holds[block % layer.holds.size()] != block) return 0;
      }
    }
    return length;
  }

 private:
  struct Layer {
    std::size_t window;
    std::vector<std::size_t> holds;  // [n_blocks] which block of the sequence is where
  };

  static std::size_t n_blocks_of(std::size_t positions) { return (positions + kBlock - 1) / kBlock; }

  std::vector<Layer> layers_;
};

}  // namespace octet::engine
