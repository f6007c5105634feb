// What this machine could do at best: the rate of large matrix products, measured in the run that it is compared with.
#pragma once

#include <string>

#include "bytemodel/model_config.h"
#include "bytemodel/training/network.h"

namespace octet::bytemodel::training {

/// Floating-point operations a second of all workers together, each multiplying 1024 x 1024 matrices for about a second.
struct MatrixProductRate {
  double f32 = 0;
  double bf16 = 0;
};
MatrixProductRate measure_matrix_products(int n_workers);

/// bfloat16 where the machine has instructions for it: a GPU, or AVX-512's.
Precision best_precision(const std::string& device);

/// Operations of a training pass (forward and backward) for each byte: six for each dense parameter, and those of the
/// attention inside the windows.
double training_flops_per_byte(const ModelConfig& config, std::int64_t context);

}  // namespace octet::bytemodel::training
