#include "benchmarks/machine_limit.h"

#include <unistd.h>

#include "bytemodel/aligned_floats.h"

namespace octet::benchmarks {
namespace {

constexpr std::size_t kReadUnit = 256;  // what Kernels::read takes at a time
constexpr int kBarriers = 1000;

std::size_t cache_bytes(int name, std::size_t otherwise) {
  const long found = ::sysconf(name);
  return found > 0 ? static_cast<std::size_t>(found) : otherwise;
}

}  // namespace

MachineLimit::MachineLimit(const kernels::int8::Kernels& kernels, engine::ThreadTeam& team) : kernels_(kernels), team_(team) {
  const double n_threads = team_.n_threads();
  constexpr std::int64_t kRounds = 20000;
  const double peak_s = fastest([&] { team_.run([&](const auto&) { kernels_.peak(kRounds); }); });
  products_per_s_ = n_threads * static_cast<double>(kRounds) * kernels_.peak_products / peak_s;
  if (team_.n_threads() == 1) return;
  const auto wait = [&] {
    team_.run([](const auto& member) {
      for (int i = 0; i < kBarriers; ++i) member.wait_for_all();
    });
  };
  barrier_s_ = fastest(wait) / kBarriers;
}

double MachineLimit::bandwidth(std::size_t size_bytes) {
  const auto n_units = static_cast<int>((size_bytes + kReadUnit - 1) / kReadUnit);
  const std::vector<std::uint8_t, bytemodel::AlignedAllocator<std::uint8_t>> bytes(static_cast<std::size_t>(n_units) * kReadUnit, 1);
  const double seconds = fastest([&] {
    team_.run([&](const auto& member) {
      const auto share = member.share(n_units);
      kernels_.read(bytes.data() + static_cast<std::size_t>(share.begin) * kReadUnit,
                    static_cast<std::size_t>(share.end - share.begin) * kReadUnit);
    });
  });
  return static_cast<double>(bytes.size()) / seconds;
}

std::vector<MachineLimit::Level> MachineLimit::levels() {
  // The third level is shared and its size often wrong in virtual machines: 8 times the second is inside it everywhere.
  const std::size_t l1 = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
  const std::size_t l2 = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 512 << 10);
  return {{"L1", l1 / 2}, {"L2", l2 / 2}, {"L3", 8 * l2}, {"DRAM", std::size_t{192} << 20}};
}

}  // namespace octet::benchmarks
