#include "benchmarks/quality/similarity.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace octet::benchmarks {
namespace {

/// Views of the characters of `text`.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    std::size_t n = 1;
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t n_expected = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    while (n < std::min(n_expected, text.size()) && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
    if (n < n_expected) n = 1;
    found.push_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return found;
}

}  // namespace

double edit_similarity(std::string_view a, std::string_view b) {
  const auto rows = characters(a);
  const auto columns = characters(b);
  const std::size_t longest = std::max(rows.size(), columns.size());
  if (longest == 0) return 1;
  // One row of the table of distances between beginnings of both (Wagner and Fischer 1974).
  std::vector<std::size_t> distances(columns.size() + 1);
  std::iota(distances.begin(), distances.end(), std::size_t{0});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::size_t diagonal = std::exchange(distances[0], row + 1);
    for (std::size_t column = 0; column < columns.size(); ++column) {
      const std::size_t replaced = diagonal + (rows[row] == columns[column] ? 0 : 1);
      diagonal = distances[column + 1];
      distances[column + 1] = std::min({replaced, diagonal + 1, distances[column] + 1});
    }
  }
  return 1 - static_cast<double>(distances.back()) / static_cast<double>(longest);
}

}  // namespace octet::benchmarks
