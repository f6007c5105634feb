#include "bytemodel/training/checkpoint.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/model_writer.h"
#include "bytemodel/safetensors.h"

namespace octet::bytemodel::training {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFormat = "octet-checkpoint-1";
constexpr std::size_t kKept = 3;

/// Newest first.
std::vector<fs::path> checkpoints_in(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("checkpoint-") && name.ends_with(".safetensors")) paths.push_back(entry->path());
  }
  std::sort(paths.rbegin(), paths.rend());  // steps have a fixed width
  return paths;
}

/// Temporary files of writers that were killed. A run has one writer, so nobody is writing them now.
void remove_unfinished(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("checkpoint-") && !name.ends_with(".safetensors")) paths.push_back(entry->path());
  }
  for (const fs::path& path : paths) fs::remove(path, error);
}

}  // namespace

Result<fs::path> write_checkpoint(const fs::path& directory, const Checkpoint& checkpoint) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", directory.string(), error.message()));
  std::vector<torch::Tensor> on_cpu;  // holds the memory that the views below point to
  std::vector<TensorView> views;
  for (const Parameter& p : checkpoint.tensors) {
    const torch::Tensor& tensor = on_cpu.emplace_back(p.value.detach().to(torch::kCPU).contiguous());
    views.push_back({p.name,
                     DType::kF32,
                     tensor.sizes().vec(),
                     {static_cast<const std::byte*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.nbytes())}});
  }
  const RunPosition& at = checkpoint.position;
  const json position{{"step", at.step}, {"n_bytes", at.n_bytes}, {"n_sequences", at.n_sequences}, {"seconds", at.seconds}};
  const fs::path path = directory / fmt::format("checkpoint-{:010}.safetensors", at.step);
  const Result<void> written = write_safetensors(
      path, views,
      {{"format", kFormat}, {"options", to_json(checkpoint.options)}, {"position", position.dump()}, {"corpus", checkpoint.corpus}});
  if (!written) return tl::unexpected(written.error());
  const std::vector<fs::path> all = checkpoints_in(directory);
  for (std::size_t i = kKept; i < all.size(); ++i) fs::remove(all[i], error);
  remove_unfinished(directory);
  return path;
}

Result<Checkpoint> read_checkpoint(const fs::path& path) {
  const Result<SafetensorsFile> file = SafetensorsFile::read(path);
  if (!file) return tl::unexpected(file.error());
  const auto entry = [&file](const char* key) {
    const auto found = file->metadata().find(key);
    return found == file->metadata().end() ? std::string() : found->second;
  };
  if (entry("format") != kFormat) {
    return fail(ErrorCode::kMalformed, fmt::format("{}: format: expected {}, found '{}'", path.string(), kFormat, entry("format")));
  }
  const Result<TrainOptions> options = parse_train_options(entry("options"));
  if (!options) return fail(options.error().code, fmt::format("{}: {}", path.string(), options.error().message));
  const json position = json::parse(entry("position"), nullptr, /*allow_exceptions=*/false);
  Checkpoint out{*options, {}, entry("corpus"), {}};
  for (const char* key : {"step", "n_bytes", "n_sequences", "seconds"}) {
    if (!position.is_object() || !position.contains(key) || !position[key].is_number()) {
      return fail(ErrorCode::kMalformed, fmt::format("{}: position.{}: expected a number", path.string(), key));
    }
  }
  out.position = {position["step"], position["n_bytes"], position["n_sequences"], position["seconds"]};
  for (const TensorView& view : file->tensors()) {
    if (view.dtype != DType::kF32) {
      return fail(ErrorCode::kMalformed, fmt::format("{}: {}: expected F32, found {}", path.string(), view.name, name(view.dtype)));
    }
    out.tensors.push_back({view.name, torch::from_blob(const_cast<float*>(view.f32().data()), view.shape).clone()});
  }
  return out;
}

Result<Checkpoint> read_newest_checkpoint(const fs::path& directory, std::vector<std::string>& skipped) {
  for (const fs::path& path : checkpoints_in(directory)) {
    Result<Checkpoint> checkpoint = read_checkpoint(path);
    if (checkpoint) return checkpoint;
    skipped.push_back(checkpoint.error().message);
  }
  return fail(ErrorCode::kNotFound, fmt::format("{}: expected a readable checkpoint-*.safetensors, found none", directory.string()));
}

}  // namespace octet::bytemodel::training
