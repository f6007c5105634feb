#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/training/corpus/corpus_builder.h"

namespace octet::bytemodel::training {
namespace {

nlohmann::ordered_json as_json(const std::map<std::string, Amount>& amounts) {
  auto out = nlohmann::ordered_json::object();
  for (const auto& [key, amount] : amounts) out[key] = {{"files", amount.n_documents}, {"bytes", amount.n_bytes}};
  return out;
}

std::string table(const char* head, const std::map<std::string, Amount>& amounts) {
  std::uint64_t all = 0;
  for (const auto& [key, amount] : amounts) all += amount.n_bytes;
  std::string out = fmt::format("| {} | files | MB | share |\n|---|---|---|---|\n", head);
  for (const auto& [key, amount] : amounts) {
    out += fmt::format("| {} | {} | {:.1f} | {:.1f} % |\n", key, amount.n_documents, static_cast<double>(amount.n_bytes) / 1e6,
                       100 * static_cast<double>(amount.n_bytes) / static_cast<double>(std::max<std::uint64_t>(all, 1)));
  }
  return out + fmt::format("\n{:.1f} MB in all.\n\n", static_cast<double>(all) / 1e6);
}

}  // namespace

std::string to_json(const CorpusReport& report) {
  auto packages = nlohmann::ordered_json::array();
  for (const PackageReport& package : report.packages) {
    packages.push_back({{"source", name(package.entry.source)},
                        {"name", package.entry.name},
                        {"version", package.entry.version},
                        {"split", name(package.entry.split)},
                        {"licence", package.licence},
                        {"files", package.kept.n_documents},
                        {"bytes", package.kept.n_bytes},
                        {"problem", package.problem}});
  }
  const nlohmann::ordered_json out{{"train", as_json(report.train)},
                                   {"held_out", as_json(report.held_out)},
                                   {"dropped", as_json(report.dropped)},
                                   {"packages", packages}};
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string to_markdown(const CorpusReport& report) {
  std::string out = "# Corpus\n\n## Training text\n\n" + table("language", report.train) + "## Held-out text\n\n" +
                    table("language", report.held_out) + "## Left out\n\n" + table("why", report.dropped);
  std::string problems;
  for (const PackageReport& package : report.packages) {
    if (!package.problem.empty()) problems += fmt::format("- {} {}: {}\n", package.entry.name, package.entry.version, package.problem);
  }
  return problems.empty() ? out : out + "## Packages that gave nothing\n\n" + problems;
}

}  // namespace octet::bytemodel::training
