// A folder with a corpus of generated text, a tiny model and a run on both: all that the trainer's tests share.
#pragma once

#include <filesystem>
#include <string>

#include <torch/types.h>

#include "bytemodel/training/dataset.h"
#include "bytemodel/training/train_options.h"

namespace octet::tests {

/// Removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Packs "c" and "python" of documents whose text repeats itself enough to be learned in seconds.
bytemodel::training::Dataset write_tiny_corpus(const std::filesystem::path& directory, bytemodel::training::DatasetOptions options);

/// Two layers of 64 with a window and a global one, sequences of 128 bytes, four heads.
bytemodel::training::TrainOptions tiny_options();

/// |a - b| / |b| over all numbers.
double relative_distance(const torch::Tensor& found, const torch::Tensor& expected);

}  // namespace octet::tests
