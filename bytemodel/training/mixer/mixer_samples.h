// Places of a corpus as the mixer sees them: what the net and the memory say there, and which byte it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <c10/util/Half.h>

#include "bytemodel/result.h"
#include "bytemodel/training/dataset.h"
#include "engine/memory/mixer_input.h"
#include "engine/model/model_runner.h"

namespace octet::bytemodel::training {

/// A package's documents: what stands in the first component of their paths, the first two of an npm scope.
struct Package {
  struct Document {
    std::size_t language_idx;
    std::size_t document_idx;
  };
  std::string name;
  std::vector<Document> documents;
};
std::vector<Package> packages_of(const Dataset& corpus);

/// Samples one after another; a sample has a row of inputs for the place and one for each of its bytes.
struct MixerSamples {
  std::vector<std::uint32_t> first;  // row in of_byte; one more than there are samples
  std::vector<c10::Half> shared;     // [samples][kSharedInputs]
  std::vector<c10::Half> of_byte;    // [rows][kByteInputs]
  std::vector<float> log_net;        // [rows], natural logarithms of the net's probabilities
  std::vector<std::int64_t> answer;  // [samples], the true byte's row, or -1: none of them
  double net_bits = 0;               // of all places that were visited, by the net alone
  std::size_t n_places = 0;
  std::size_t size() const { return answer.size(); }
};

struct MixerSampleOptions {
  std::size_t documents_per_package = 8;
  std::size_t bytes_per_document = 6000;
  double share = 1;  // of the places
  std::uint64_t seed = 1;
  std::function<void(const std::string&)> say;
};

/// Documents of at least 1000 bytes, drawn from each package, read with the rest of the package as the workspace. Appends to `samples`;
/// the seed alone says which. Fails as PackedCorpus::text does.
Result<void> add_samples(const Dataset& corpus, engine::ModelRunner& runner, const MixerSampleOptions& options, MixerSamples& samples);

}  // namespace octet::bytemodel::training
