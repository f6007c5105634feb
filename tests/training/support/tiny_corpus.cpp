#include "tests/training/support/tiny_corpus.h"

#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

#include "bytemodel/training/corpus/packed_corpus.h"

namespace octet::tests {

using namespace bytemodel::training;
namespace fs = std::filesystem;

namespace {

void require(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "octet-training-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

Dataset write_tiny_corpus(const fs::path& directory, DatasetOptions options) {
  fs::create_directories(directory);
  for (const char* language : {"c", "python"}) {
    PackWriter writer = PackWriter::create(directory / fmt::format("{}.pack", language)).value();
    for (int document = 0; document < 20; ++document) {
      std::string text;
      for (int line = 0; line < 30; ++line) text += fmt::format("value_{} = compute(input_{});\n", line % 7, (line + document) % 5);
      require(writer.add(fmt::format("package/{}/file_{}.{}", language, document, language), text));
    }
    require(writer.finish());
  }
  return Dataset::open(directory, options).value();
}

TrainOptions tiny_options() {
  TrainOptions o;
  o.model = default_model(64, 2, 128, 4);
  o.model.window = {32, 0};
  o.model.ngram_orders = {2, 3};
  o.model.ngram_rows = 256;
  o.model.ngram_dim = 8;
  o.data.context = 128;
  o.schedule.n_predict = 4;
  o.total_bytes = 128 * 8 * 40;
  o.batch = 8;
  o.n_workers = 2;
  return o;
}

double relative_distance(const torch::Tensor& found, const torch::Tensor& expected) {
  const torch::Tensor e = expected.detach().to(torch::kDouble);
  return ((found.detach().to(torch::kDouble) - e).norm() / (e.norm() + 1e-30)).item<double>();
}

}  // namespace octet::tests
