#include "engine/model/cuda_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace octet::engine {

namespace {

bool is_named() {
  const char* named = std::getenv("OCTET_CUDA_LIBRARY");
  return named != nullptr && *named != '\0';
}

/// Without a driver NVIDIA's runtime, which the library holds, is not even loaded: it does not bear that memory runs out.
Result<void> check_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) return fail(ErrorCode::kUnsupported, fmt::format("no NVIDIA driver: {}", dlerror()));
  return {};
}

}  // namespace

std::vector<std::filesystem::path> cuda_library_candidates() {
  if (is_named()) return {std::getenv("OCTET_CUDA_LIBRARY")};
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  return {folder / "liboctet_cuda.so", (folder / "../lib/octet/liboctet_cuda.so").lexically_normal()};
}

Result<std::unique_ptr<kernels::cuda::Device>> open_cuda_device() {
  std::vector<std::string> tried;
  for (const auto& candidate : cuda_library_candidates()) {
    std::error_code ignored;
    tried.push_back(candidate.string());
    if (!std::filesystem::exists(candidate, ignored)) continue;
    if (!is_named()) {
      if (auto driver = check_driver(); !driver) return tl::unexpected(driver.error());
    }
    // Stays loaded: the driver has threads of its own.
    void* library = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return fail(ErrorCode::kUnsupported, fmt::format("the CUDA library cannot be loaded: {}", dlerror()));
    const auto open = reinterpret_cast<kernels::cuda::OpenDevice>(dlsym(library, kernels::cuda::kOpenDevice));
    if (open == nullptr) return fail(ErrorCode::kUnsupported, fmt::format("{} is no library of CUDA kernels of octet", candidate.string()));
    char why[300] = "";
    std::unique_ptr<kernels::cuda::Device> device(open(kernels::cuda::kDeviceVersion, why, sizeof(why)));
    if (device == nullptr) return fail(ErrorCode::kUnsupported, fmt::format("{}", why));
    return device;
  }
  return fail(ErrorCode::kNotFound, fmt::format("no CUDA library at {}", fmt::join(tried, ", ")));
}

}  // namespace octet::engine
