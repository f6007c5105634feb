#include "engine/model/quantized_tensors.h"

#include <algorithm>
#include <utility>

#include "bytemodel/check.h"

namespace octet::engine {

QuantizedTensor QuantizedTensors::operator[](const std::string& name) {
  const bytemodel::TensorView& stored = model_.tensor(name);
  if (stored.dtype == bytemodel::DType::kI8) return {stored.i8(), model_.tensor(name + ".scale").f32()};
  const auto row_size = static_cast<std::size_t>(stored.shape.back());
  auto rows = bytemodel::quantize_rows(stored.f32(), stored.f32().size() / row_size);
  OCTET_CHECK(rows.has_value());
  const auto& owned = owned_.emplace_back(std::move(*rows));
  return {owned.values, owned.scales};
}

void RowStack::add(const QuantizedTensor& tensor) {
  OCTET_CHECK(tensor.values.size() == tensor.scales.size() * k_);
  rows_.insert(rows_.end(), tensor.values.begin(), tensor.values.end());
  scales_.insert(scales_.end(), tensor.scales.begin(), tensor.scales.end());
}

void RowStack::fill(std::size_t n) {
  scales_.resize((scales_.size() + n - 1) / n * n);
  rows_.resize(scales_.size() * k_);
}

RowStack interleaved(const QuantizedTensor& gate, const QuantizedTensor& up, int k, std::size_t n) {
  RowStack stack(k);
  for (std::size_t first = 0; first < gate.scales.size(); first += n) {
    const std::size_t count = std::min(n, gate.scales.size() - first);
    for (const auto* part : {&gate, &up}) {
      stack.add(part->rows(first, count));
      stack.fill(n);
    }
  }
  return stack;
}

}  // namespace octet::engine
