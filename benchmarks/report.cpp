#include "benchmarks/report.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>

#include <sys/resource.h>

#include "engine/model/thread_team.h"

namespace octet::benchmarks {

bool write_json(const std::filesystem::path& path, const nlohmann::ordered_json& result, const char* verb) {
  if (path.empty()) return true;
  std::ofstream file(path);
  file << result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  if (file.flush()) return true;
  print(stderr, "octet-bench {}: cannot write {}\n", verb, path.string());
  return false;
}

nlohmann::json environment(const std::string& isa, unsigned threads) {
  std::string cpu = "unknown";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) {
      cpu = line.substr(std::min(line.size(), line.find(':') + 2));
      break;
    }
  }
  std::array<double, 1> load{};
  if (::getloadavg(load.data(), 1) != 1) load[0] = -1;
  return {{"cpu", cpu}, {"cores", engine::usable_cores()}, {"isa", isa}, {"threads", threads}, {"load", load[0]}};
}

std::size_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace octet::benchmarks
