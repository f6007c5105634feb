// The matrices of a model file as rows of int8 with a scale each: as they are stored, or quantised where the file has floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "bytemodel/model_file.h"
#include "bytemodel/quantize.h"

namespace octet::engine {

struct QuantizedTensor {
  std::span<const std::int8_t> values;
  std::span<const float> scales;

  /// n rows from `first` on.
  QuantizedTensor rows(std::size_t first, std::size_t n) const {
    const std::size_t k = values.size() / scales.size();
    return {values.subspan(first * k, n * k), scales.subspan(first, n)};
  }
};

/// Points into the ModelFile that it was made from, which must outlive it, and into itself.
class QuantizedTensors {
 public:
  explicit QuantizedTensors(const bytemodel::ModelFile& model) : model_(model) {}
  QuantizedTensors(const QuantizedTensors&) = delete;
  QuantizedTensors& operator=(const QuantizedTensors&) = delete;

  /// CHECKs that the numbers are finite (open_runner looks first). Valid as long as this.
  QuantizedTensor operator[](const std::string& name);

 private:
  const bytemodel::ModelFile& model_;
  std::list<bytemodel::QuantizedRows> owned_;  // tensors that the file has as floats
};

/// Matrices of equal row size below one another, to be laid out as one.
class RowStack {
 public:
  explicit RowStack(int k) : k_(static_cast<std::size_t>(k)) {}

  void add(const QuantizedTensor& tensor);
  /// Rows of zeros up to a multiple of n.
  void fill(std::size_t n);

  const std::vector<std::int8_t>& rows() const { return rows_; }
  const std::vector<float>& scales() const { return scales_; }

 private:
  std::size_t k_;
  std::vector<std::int8_t> rows_;
  std::vector<float> scales_;
};

/// Gate and up in turn, n rows of each, filled up where they end.
RowStack interleaved(const QuantizedTensor& gate, const QuantizedTensor& up, int k, std::size_t n);

}  // namespace octet::engine
