#include "bytemodel/training/collective.h"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include <fmt/format.h>

#ifdef OCTET_HAVE_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace octet::bytemodel::training {
namespace {

std::optional<int> number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 0 || value > 65535) return std::nullopt;
  return static_cast<int>(value);
}

#ifdef OCTET_HAVE_GLOO
class GlooCollective : public Collective {
 public:
  GlooCollective(int rank, int size, const std::string& address, int port) : rank_(rank), size_(size) {
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(port);
    options.isServer = rank == 0;
    options.numWorkers = size;
    options.timeout = std::chrono::seconds(60);
    auto store = c10::make_intrusive<c10d::TCPStore>(address, options);
    auto gloo = c10d::ProcessGroupGloo::Options::create();
    gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(address));
    group_ = std::make_unique<c10d::ProcessGroupGloo>(store, rank, size, gloo);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  Result<void> sum(std::vector<torch::Tensor>& tensors) override {
    try {  // the library reports by throwing
      for (torch::Tensor& tensor : tensors) {
        std::vector<torch::Tensor> one{tensor.cpu()};  // the tensor itself, but for a GPU's
        group_->allreduce(one)->wait();
        if (!tensor.is_cpu()) tensor.copy_(one.front());
      }
    } catch (const std::exception& error) {
      return fail(ErrorCode::kUnreadable, fmt::format("rank {} of {}: lost the other processes: {}", rank_, size_, error.what()));
    }
    return {};
  }

 private:
  int rank_;
  int size_;
  std::unique_ptr<c10d::ProcessGroupGloo> group_;
};
#endif

}  // namespace

Result<std::unique_ptr<Collective>> join_collective() {
  if (std::getenv("WORLD_SIZE") == nullptr) return std::make_unique<Collective>();
  const std::optional<int> size = number_from_environment("WORLD_SIZE");
  if (size == 1) return std::make_unique<Collective>();
  const std::optional<int> rank = number_from_environment("RANK");
  const std::optional<int> port = number_from_environment("MASTER_PORT");
  const char* address = std::getenv("MASTER_ADDR");
  if (!size || *size == 0 || !rank || *rank >= *size || !port || address == nullptr) {
    return fail(
        ErrorCode::kInvalidArgument,
        "expected torchrun's variables WORLD_SIZE, RANK below it, MASTER_ADDR and MASTER_PORT, found some of them missing or no numbers");
  }
#ifdef OCTET_HAVE_GLOO
  try {  // the library reports by throwing
    return std::make_unique<GlooCollective>(*rank, *size, address, *port);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kUnreadable, fmt::format("rank {} of {} at {}:{}: {}", *rank, *size, address, *port, error.what()));
  }
#else
  return fail(ErrorCode::kUnsupported, "this build has no Gloo: WORLD_SIZE must be 1 (libgloo-dev was missing when it was configured)");
#endif
}

}  // namespace octet::bytemodel::training
