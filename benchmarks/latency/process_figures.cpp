#include "benchmarks/latency/process_figures.h"

#include <ctime>
#include <fstream>
#include <string>

#include <fmt/format.h>

namespace octet::benchmarks {
namespace {

/// A line "VmRSS:   1234 kB" of /proc/PID/status.
std::size_t status_bytes(int process_id, const std::string& name) {
  std::ifstream status(fmt::format("/proc/{}/status", process_id));
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == name + ":" && status >> kib) return kib << 10;
  }
  return 0;
}

}  // namespace

double cpu_ms(int process_id) {
  clockid_t clock{};
  timespec time{};
  if (process_id == 0) return 0;  // the system's name for the one that asks
  if (::clock_getcpuclockid(process_id, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

std::size_t rss_bytes(int process_id) { return status_bytes(process_id, "VmRSS"); }
std::size_t peak_rss_bytes(int process_id) { return status_bytes(process_id, "VmHWM"); }

}  // namespace octet::benchmarks
