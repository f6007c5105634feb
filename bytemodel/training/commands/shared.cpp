#include "bytemodel/training/commands/shared.h"

#include <fmt/format.h>
#include <torch/cuda.h>

#include "bytemodel/training/checkpoint.h"

namespace octet::bytemodel::training {

Result<torch::Device> open_device(const std::string& name) {
  if (name == "cuda" && !torch::cuda::is_available()) {
    return fail(ErrorCode::kUnsupported, "device: cuda: this LibTorch sees no GPU; Debian's has no CUDA, NVIDIA's needs a driver");
  }
  return name == "cuda" ? torch::Device(torch::kCUDA) : torch::Device(torch::kCPU);
}

Result<Dataset> open_split(const ComputeOptions& compute, const char* split, const DatasetOptions& options) {
  return Dataset::open(compute.corpus / split, options);
}

Result<Dataset> open_held_out(const ComputeOptions& compute, int context) {
  DatasetOptions plain;
  plain.context = static_cast<std::size_t>(context);
  plain.middle_share = 0;
  return open_split(compute, "held-out", plain);
}

Result<void> write_network(const Network& network, const std::filesystem::path& path, const std::string& name, WeightType type) {
  std::vector<torch::Tensor> on_cpu;
  std::vector<TensorView> views;
  for (const Parameter& p : network.parameters()) {
    const torch::Tensor& tensor = on_cpu.emplace_back(p.value.detach().to(torch::kCPU).contiguous());
    views.push_back({p.name,
                     DType::kF32,
                     tensor.sizes().vec(),
                     {static_cast<const std::byte*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.nbytes())}});
  }
  return write_model(path, views, network.config(), name, type);
}

Result<Network> open_run(const std::filesystem::path& directory) {
  std::vector<std::string> skipped;
  const Result<Checkpoint> checkpoint = read_newest_checkpoint(directory, skipped);
  for (const std::string& why : skipped) std::fprintf(stderr, "octet-train: skipped: %s\n", why.c_str());
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  Network network = Network::random(checkpoint->options.model, 1, torch::kCPU);
  const torch::NoGradGuard no_gradients;
  for (const Parameter& p : network.parameters()) {
    bool is_found = false;
    for (const Parameter& stored : checkpoint->tensors) {
      if (stored.name != "average/" + p.name || stored.value.sizes() != p.value.sizes()) continue;
      p.value.detach().copy_(stored.value);
      is_found = true;
    }
    if (!is_found) return fail(ErrorCode::kMalformed, fmt::format("{}: average/{}: expected it, found none", directory.string(), p.name));
  }
  return network;
}

}  // namespace octet::bytemodel::training
