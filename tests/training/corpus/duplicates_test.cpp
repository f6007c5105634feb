#include "bytemodel/training/corpus/duplicates.h"

#include <cmath>
#include <set>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "tests/training/corpus/packages.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;

/// Lines of code that end in '\n'.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

double true_similarity(const std::string& a, const std::string& b) {
  const auto runs = [](const std::string& text) {
    const std::vector<std::string> lines = lines_of(text);
    std::set<std::string> out;
    for (std::size_t i = 0; i + 3 <= lines.size(); ++i) out.insert(lines[i] + '\n' + lines[i + 1] + '\n' + lines[i + 2]);
    return out;
  };
  const std::set<std::string> x = runs(a);
  const std::set<std::string> y = runs(b);
  std::size_t n_both = 0;
  for (const std::string& run : x) n_both += y.count(run);
  return static_cast<double>(n_both) / static_cast<double>(x.size() + y.size() - n_both);
}

TEST_CASE("White space does not change a content's hash, and every other byte does") {
  CHECK(content_hash("int a;\n  int b;\n") == content_hash("int a; int b;"));
  CHECK(rc::check([] {
    const auto text = *rc::gen::nonEmpty<std::string>();
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    RC_PRE(std::isspace(static_cast<unsigned char>(text[at])) == 0);
    std::string other = text;
    other[at] = text[at] == 'x' ? 'y' : 'x';
    RC_ASSERT(content_hash(other) != content_hash(text));
    other = text;
    other.insert(at, *rc::gen::element<std::string>(" ", "\n", "\t", "\r\n"));
    RC_ASSERT(content_hash(other) == content_hash(text));
  }));
}

TEST_CASE("The share of equal hashes is near to the similarity of the sets of runs") {
  double sum = 0;
  int n = 0;
  for (int n_shared = 2; n_shared < 60; n_shared += 3) {
    for (int n_own = 3; n_own < 60; n_own += 7, ++n) {
      const std::string shared = code(1000 + static_cast<std::uint64_t>(n), n_shared);
      const std::string a = shared + code(2000 + static_cast<std::uint64_t>(n), n_own);
      const std::string b = shared + code(3000 + static_cast<std::uint64_t>(n), n_own / 2 + 1);
      const double error = similarity(min_hash(a), min_hash(b)) - true_similarity(a, b);
      // One estimate has a standard deviation of at most 1/16: five of them.
      CHECK(std::abs(error) < 5.0 / 16);
      sum += error;
    }
  }
  CHECK(n == 180);
  CHECK(std::abs(sum / n) < 0.02);  // of their mean 1/16/sqrt(180) = 0.005: four of them
}

TEST_CASE("Two texts are alike by runs of three lines") {
  const auto mixed = [](std::uint64_t seed, std::size_t n_shared) {  // after every shared lines one of its own
    const std::vector<std::string> shared = lines_of(code(1, 60));
    const std::vector<std::string> own = lines_of(code(seed, 60));
    std::string text;
    for (std::size_t i = 0; i < shared.size(); ++i) text += shared[i] + '\n' + (i % n_shared == n_shared - 1 ? own[i] + '\n' : "");
    return min_hash(text);
  };
  CHECK(similarity(mixed(2, 2), mixed(3, 2)) == 0);
  CHECK(similarity(mixed(2, 3), mixed(3, 3)) > 0);
}

TEST_CASE("Indentation and empty lines do not change the hashes") {
  CHECK(rc::check([] {
    const std::string text = code(*rc::gen::arbitrary<std::uint64_t>(), 10);
    std::string other;
    for (const std::string& line : lines_of(text)) other += *rc::gen::element<std::string>("", "  ", "\t", "\n\n") + line + "  \n";
    RC_ASSERT(min_hash(other) == min_hash(text));
  }));
}

TEST_CASE("A text with a few lines changed is found among those that were added, and another text is not") {
  CHECK(rc::check([] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    NearDuplicates known;
    for (std::uint64_t i = 0; i < 20; ++i) known.add(min_hash(code(seed + i, 60)));
    std::vector<std::string> lines = lines_of(code(seed + 7, 60));
    const auto changed = *rc::gen::container<std::vector<std::size_t>>(3, rc::gen::inRange<std::size_t>(0, lines.size()));
    std::string text;
    for (const std::size_t i : changed) lines[i] += " // changed";
    for (const std::string& line : lines) text += line + '\n';
    RC_ASSERT(true_similarity(text, code(seed + 7, 60)) > 0.7);
    RC_ASSERT(known.contains(min_hash(text)));
    RC_ASSERT(!known.contains(min_hash(code(seed + 100, 60))));
    // The same licence's head on top of another text is no duplicate.
    RC_ASSERT(!known.contains(min_hash(code(seed + 7, 10) + code(seed + 101, 60))));
  }));
}

TEST_CASE("Nine in ten texts that are a little over the limit are found") {
  int n_found = 0;
  int n = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::string shared = code(seed, 62);
    const std::string a = shared + code(seed + 1000, 20);
    const std::string b = shared + code(seed + 2000, 20);
    CHECK(true_similarity(a, b) == Approx(0.6).margin(0.01));
    NearDuplicates known;
    known.add(min_hash(a));
    n_found += known.contains(min_hash(b)) ? 1 : 0;
    ++n;
  }
  CHECK(n_found >= n * 9 / 10);  // the estimate itself is below 0.5 in 5 of 100; wider bands would lose 10 more
}

TEST_CASE("Texts shorter than a run have hashes as well") {
  CHECK(similarity(min_hash("one\n"), min_hash("one")) == 1);
  CHECK(similarity(min_hash("one\n"), min_hash("two\n")) < 0.5);
  CHECK(similarity(min_hash("one\ntwo"), min_hash("one\n")) < 0.5);
  CHECK(similarity(min_hash(""), min_hash("\n\n")) == 1);
}

}  // namespace
}  // namespace octet::tests
