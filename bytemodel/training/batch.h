// A sequence as the tensor that the network takes.
#pragma once

#include <string>

#include <torch/types.h>

namespace octet::bytemodel::training {

/// [1, n_positions] of type uint8; a view, valid while `sequence` lives.
inline torch::Tensor as_batch(const std::string& sequence) {
  return torch::from_blob(const_cast<char*>(sequence.data()), {1, static_cast<std::int64_t>(sequence.size())}, torch::kUInt8);
}

}  // namespace octet::bytemodel::training
