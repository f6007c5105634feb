// An embedding with n-grams, as the kernels read it and as the reference computes it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bytemodel/ngram_index.h"
#include "tests/kernels/cuda/operands.h"

namespace octet::tests {

class RandomEmbedding {
 public:
  struct Shape {
    int d_model;
    std::vector<int> orders;
    int ngram_rows;
    int ngram_dim;
  };
  static Shape draw(RandomFloats& random, int n_orders, int d_model) {
    Shape shape{d_model, {}, 1 << (1 + random.below(8)), 1 + static_cast<int>(random.below(40))};
    for (int i = 0; i < n_orders; ++i) shape.orders.push_back(i == 0 ? cuda::kMaxTail : 1 + static_cast<int>(random.below(cuda::kMaxTail)));
    return shape;
  }

  RandomEmbedding(RandomFloats& random, const Shape& shape, Format format)
      : format_(format), shape_(shape), embed_(random, 256, shape.d_model, format) {
    for (std::size_t i = 0; i < shape.orders.size(); ++i)
      ngram_.push_back(std::make_unique<Fragments>(random, shape.ngram_rows, shape.ngram_dim, format));
    if (!ngram_.empty()) proj_ = std::make_unique<Fragments>(random, shape.d_model, width(), format);
  }

  cuda::Embedding device() const {
    cuda::Embedding out;
    out.format = format_;
    out.embed = embed_.table();
    out.d_model = shape_.d_model;
    out.n_orders = static_cast<int>(ngram_.size());
    out.ngram_rows = shape_.ngram_rows;
    out.ngram_dim = shape_.ngram_dim;
    if (proj_ != nullptr) out.ngram_proj = proj_->matrix();
    for (std::size_t i = 0; i < ngram_.size(); ++i) {
      out.ngram[i] = ngram_[i]->table();
      out.orders[i] = shape_.orders[i];
    }
    return out;
  }

  /// The n-gram rows that end with the tail. Its values are bytes + 1; 0 stands for a place before the start.
  std::vector<float> grams_of(std::span<const std::uint16_t> tail) const {
    std::vector<float> grams;
    for (std::size_t i = 0; i < ngram_.size(); ++i) {
      std::uint32_t hash = 2166136261U ^ static_cast<std::uint32_t>(shape_.orders[i]);
      for (const auto value : tail.last(static_cast<std::size_t>(shape_.orders[i]))) hash = (hash ^ value) * 16777619U;
      hash ^= hash >> 16;
      const auto row = hash & static_cast<std::uint32_t>(shape_.ngram_rows - 1);
      for (int j = 0; j < shape_.ngram_dim; ++j) grams.push_back(ngram_[i]->number(static_cast<int>(row), j));
    }
    return grams;
  }

  /// Number i of a byte's own embedding.
  float own_of(int byte, int i) const { return embed_.number(byte, i); }

  /// The input vector of the byte that the tail ends with; n_parts as Fragments::times() has it.
  std::vector<float> of(std::span<const std::uint16_t> tail, std::size_t n_parts = cuda::kWarps) const {
    const auto grams = grams_of(tail);
    const auto x = grams.empty() ? FormattedRow{} : formatted(grams.data(), width(), format_);
    std::vector<float> out;
    for (int i = 0; i < shape_.d_model; ++i) {
      const float own = own_of(tail.back() - 1, i);
      out.push_back(grams.empty() ? own : own + proj_->times(i, x, n_parts));
    }
    return out;
  }

 private:
  int width() const { return static_cast<int>(ngram_.size()) * shape_.ngram_dim; }
  Format format_;
  Shape shape_;
  Fragments embed_;
  std::vector<std::unique_ptr<Fragments>> ngram_;
  std::unique_ptr<Fragments> proj_;
};

}  // namespace octet::tests
