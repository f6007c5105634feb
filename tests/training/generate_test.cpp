
#include "tests/training/support/catch.h"

#include "bytemodel/training/generate.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;

std::string as_text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

TEST_CASE("self-speculation gives the golden continuation in the golden number of steps") {
  const std::string name = GENERATE("tiny-linear", "tiny-transformer", "seed");
  const Network network = Network::from_file(load_model(name), torch::kCPU);
  int n_compared = 0;
  for (const GoldenCase& golden : load_golden(name)) {
    const int n_bytes = static_cast<int>(golden.continuation.size());
    const int n_needed = static_cast<int>(golden.prompt.size()) + n_bytes + network.config().n_predict;
    // Where two logits nearly tie, rounding may decide.
    const bool is_close = *std::min_element(golden.margins.begin(), golden.margins.end()) < 1e-3;
    if (n_needed > network.config().max_context || golden.prompt.size() < 64 || is_close) continue;
    CAPTURE(name, golden.name);
    const std::vector<std::string> prompts{as_text(golden.prompt)};
    const Generated found = generate(network, prompts, n_bytes, /*use_cell=*/true).front();
    CHECK(found.text == as_text(golden.continuation));
    CHECK(found.n_steps <= static_cast<int>(golden.gains.size()));
    const Generated without_cell = generate(network, prompts, n_bytes, /*use_cell=*/false).front();
    CHECK(without_cell.text == found.text);
    ++n_compared;
    if (n_compared == 3) break;
  }
  CHECK(n_compared > 0);
}

}  // namespace octet::tests
