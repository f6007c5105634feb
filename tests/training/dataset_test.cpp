#include "tests/training/support/catch.h"

#include <fstream>

#include "bytemodel/control_bytes.h"
#include "bytemodel/training/corpus/packed_corpus.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {

using namespace bytemodel::training;

TEST_CASE("a sequence depends on the seed and its number alone") {
  const TemporaryFolder folder;
  DatasetOptions options;
  options.context = 300;
  const Dataset data = write_tiny_corpus(folder.path(), options);
  const Dataset again = Dataset::open(folder.path(), options).value();
  options.seed = 2;
  const Dataset other = Dataset::open(folder.path(), options).value();
  CHECK(data.languages() == std::vector<std::string>{"c", "python"});
  CHECK(data.fingerprint() == again.fingerprint());
  int n_different = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string sequence = data.sequence(i).value();
    CHECK(sequence.size() == 300);
    CHECK(static_cast<std::uint8_t>(sequence.front()) == kFile);
    CHECK(sequence == again.sequence(i).value());
    n_different += sequence != other.sequence(i).value() ? 1 : 0;
    CHECK(data.sequence(i, 1).value().find(".python") != std::string::npos);
  }
  CHECK(n_different > 45);
}

TEST_CASE("a folder without packs and a pack that is none are clear errors") {
  const TemporaryFolder folder;
  const Result<Dataset> none = Dataset::open(folder.path() / "missing", {});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == ErrorCode::kNotFound);
  CHECK(none.error().message.find("octet-train corpus") != std::string::npos);
  std::ofstream(folder.path() / "c.pack") << "this is no pack, but it is long enough to be one";
  const Result<Dataset> wrong = Dataset::open(folder.path(), {});
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().code == ErrorCode::kMalformed);
  CHECK(wrong.error().message.find("octpack1") != std::string::npos);
}

}  // namespace octet::tests
