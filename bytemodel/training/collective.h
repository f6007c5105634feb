// Sums across the processes of a data-parallel run. One process alone needs none of it.
//
// Processes find one another by torchrun's environment variables: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT.
// Gloo carries the sums, those of a GPU by way of the host; a build without Gloo's headers trains in one process.
#pragma once

#include <memory>
#include <vector>

#include <torch/types.h>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

class Collective {
 public:
  virtual ~Collective() = default;

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  /// Each tensor becomes its sum over all processes; every process calls with the same shapes in the same order.
  virtual Result<void> sum(std::vector<torch::Tensor>& tensors) {
    (void)tensors;
    return {};
  }
};

/// Joins the run that the environment describes, waiting up to a minute for the others; without WORLD_SIZE, or with 1, a
/// process by itself. Fails with kInvalidArgument where a variable is missing or no number, kUnsupported in a build without
/// Gloo, and kUnreadable when the others cannot be reached.
Result<std::unique_ptr<Collective>> join_collective();

}  // namespace octet::bytemodel::training
