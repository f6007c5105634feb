// The library of CUDA kernels, found and loaded when somebody asks for a GPU, and never otherwise.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "bytemodel/result.h"
#include "kernels/cuda/device.h"

namespace octet::engine {

/// Where it is looked for, in order: $OCTET_CUDA_LIBRARY alone where it is set; else beside the program (a build tree) and in
/// ../lib/octet (installed).
std::vector<std::filesystem::path> cuda_library_candidates();

/// The first GPU. Where no library is named a driver is looked for first. Fails with kNotFound where there is no library, and with
/// kUnsupported where it cannot be loaded, is of another version, or finds no driver or no GPU that it could use; the message says which.
Result<std::unique_ptr<kernels::cuda::Device>> open_cuda_device();

}  // namespace octet::engine
