#include "benchmarks/kernels_bench.h"

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "benchmarks/machine_limit.h"
#include "benchmarks/report.h"
#include "bytemodel/aligned_floats.h"
#include "engine/model/packed_weights.h"

namespace octet::benchmarks {
namespace {

namespace int8 = kernels::int8;

template <class T>
using Aligned = std::vector<T, bytemodel::AlignedAllocator<T>>;

constexpr int kInner = 256;  // of the default model's matrices
constexpr int kRowCounts[] = {1, 2, 3, 4, 6, 8, 16, 64};

std::vector<std::int8_t> random_bytes(std::size_t n, std::mt19937& random) {
  std::vector<std::int8_t> bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  return bytes;
}

engine::PackedMatrix random_matrix(int n, int k, std::mt19937& random) {
  return {random_bytes(static_cast<std::size_t>(n) * static_cast<std::size_t>(k), random),
          std::vector<float>(static_cast<std::size_t>(n), 0.01F)};
}

struct QuantizedRows {
  QuantizedRows(const int8::Kernels& kernels, int m, int k, std::mt19937& random)
      : values(static_cast<std::size_t>(m) * int8::row_bytes(k)), scales(static_cast<std::size_t>(m)) {
    std::vector<float> x(static_cast<std::size_t>(m) * static_cast<std::size_t>(k));
    for (auto& value : x) value = static_cast<float>(random() % 2001) - 1000.0F;
    kernels.quantize(x.data(), m, k, rows());
  }
  int8::Rows rows() { return {values.data(), scales.data()}; }

  Aligned<std::uint8_t> values;
  std::vector<float> scales;
};

/// Products of m rows with a matrix of about `size_bytes` that is used over and over.
nlohmann::json measure_products(const int8::Kernels& kernels, engine::ThreadTeam& team, MachineLimit& limit, std::size_t size_bytes) {
  std::mt19937 random(1);
  const int n = static_cast<int>(size_bytes / kInner) / int8::kPanel * int8::kPanel;
  const auto w = random_matrix(n, kInner, random);
  const double read_s = static_cast<double>(w.size_bytes()) / limit.bandwidth(w.size_bytes());
  nlohmann::json rows = nlohmann::json::array();
  for (const int m : kRowCounts) {
    QuantizedRows x(kernels, m, kInner, random);
    std::vector<float> y(static_cast<std::size_t>(m) * static_cast<std::size_t>(n));
    const double seconds = fastest([&] {
      team.run([&](const auto& member) {
        const auto share = member.share(w.n_panels());
        kernels.matmul(x.rows(), m, w.view(), share.begin, share.end, false, {y.data(), n});
      });
    });
    const double products_s = static_cast<double>(m) * static_cast<double>(w.size_bytes()) / limit.products_per_s();
    rows.push_back({{"m", m},
                    {"us", seconds * 1e6},
                    {"gb_per_s", static_cast<double>(w.size_bytes()) / seconds / 1e9},
                    {"gop_per_s", 2 * static_cast<double>(m) * static_cast<double>(w.size_bytes()) / seconds / 1e9},
                    {"of_bandwidth", read_s / seconds},
                    {"of_peak", products_s / seconds}});
  }
  return rows;
}

void print_products(const char* name, double bandwidth, const nlohmann::json& rows) {
  print(stdout, "{} ({:.1f} GB/s): products with a matrix that lies there\n", name, bandwidth / 1e9);
  print(stdout, "  {:>4} {:>10} {:>8} {:>8} {:>13} {:>9}\n", "rows", "us", "GB/s", "GOP/s", "of bandwidth", "of peak");
  for (const auto& row : rows) {
    print(stdout, "  {:>4} {:>10.2f} {:>8.1f} {:>8.1f} {:>12.0f}% {:>8.0f}%\n", row["m"].get<int>(), row["us"].get<double>(),
          row["gb_per_s"].get<double>(), row["gop_per_s"].get<double>(), 100 * row["of_bandwidth"].get<double>(),
          100 * row["of_peak"].get<double>());
  }
}

/// Attention of m rows of the default model's heads (4 of 64, two a key/value head) over `context` positions, by one thread.
nlohmann::json measure_attention(const int8::Kernels& kernels, double products_per_s, int m, int context) {
  constexpr int kHeadDim = 64;
  constexpr int kGroup = 2;
  std::mt19937 random(2);
  const int n_blocks = (context + int8::kKvBlock - 1) / int8::kKvBlock;
  const std::size_t block_bytes = int8::packed_bytes(int8::kKvBlock, kHeadDim);
  Aligned<std::int8_t> memory(2 * block_bytes * static_cast<std::size_t>(n_blocks));
  std::vector<float> scales(2 * static_cast<std::size_t>(n_blocks) * int8::kKvBlock);
  std::vector<std::int32_t> biases(scales.size());
  std::vector<int8::KvBlock> blocks;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n_blocks); ++i) {
    std::int8_t* keys = memory.data() + 2 * i * block_bytes;
    float* key_scales = scales.data() + 2 * i * int8::kKvBlock;
    blocks.push_back({keys, keys + block_bytes, key_scales, key_scales + int8::kKvBlock, biases.data() + 2 * i * int8::kKvBlock});
  }
  std::vector<float> key(kHeadDim);
  for (int pos = 0; pos < context; ++pos) {
    for (auto& value : key) value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
    kernels.append_kv(key.data(), key.data(), kHeadDim, blocks[static_cast<std::size_t>(pos / int8::kKvBlock)], pos % int8::kKvBlock);
  }
  const int n_queries = m * kGroup;
  QuantizedRows queries(kernels, n_queries, kHeadDim, random);
  std::vector<std::int64_t> begin(static_cast<std::size_t>(n_queries));
  std::vector<std::int64_t> end;
  std::vector<float> out(static_cast<std::size_t>(n_queries * kHeadDim));
  std::vector<float*> to;
  for (int i = 0; i < n_queries; ++i) {
    end.push_back(context - m + 1 + i / kGroup);
    to.push_back(&out[static_cast<std::size_t>(i * kHeadDim)]);
  }
  const double seconds = fastest([&] {
    kernels.attention({queries.rows(), begin.data(), end.data(), n_queries, kHeadDim, 0.18F, blocks.data(), n_blocks, to.data()});
  });
  const double products = 2.0 * n_queries * kHeadDim * context;
  return {{"m", m}, {"context", context}, {"us", seconds * 1e6}, {"of_peak", products / products_per_s / seconds}};
}

}  // namespace

int run_kernels(const KernelsOptions& options) {
  const char* forced = std::getenv("OCTET_FORCE_ISA");
  const int8::Kernels* kernels = int8::select(forced == nullptr ? "" : forced);
  if (kernels == nullptr) {
    print(stderr, "octet-bench kernels: OCTET_FORCE_ISA: '{}' is not available\n", forced);
    return 1;
  }
  engine::ThreadTeam team(options.threads, engine::ThreadTeam::WhenBusy::kWait);
  MachineLimit limit(*kernels, team);
  nlohmann::json result{{"environment", environment(kernels->isa, options.threads)},
                        {"peak_gop_per_s", 2 * limit.products_per_s() / 1e9},
                        {"barrier_us", limit.barrier_s() * 1e6}};
  print(stdout, "{} kernels, {} thread(s): peak {:.1f} GOP/s, barrier {:.2f} us\n", kernels->isa, options.threads,
        2 * limit.products_per_s() / 1e9, limit.barrier_s() * 1e6);
  for (const auto& level : MachineLimit::levels()) {
    const double bandwidth = limit.bandwidth(level.size_bytes);
    const auto rows = measure_products(*kernels, team, limit, level.size_bytes);
    print_products(level.name, bandwidth, rows);
    result["levels"].push_back({{"name", level.name}, {"size_bytes", level.size_bytes}, {"gb_per_s", bandwidth / 1e9}, {"products", rows}});
  }
  print(stdout, "attention of one key/value head (64 wide, two query heads), one thread, share of the products' peak\n");
  for (const int context : {256, 1024}) {
    for (const int m : {1, 2, 4, 8}) {
      const auto row = measure_attention(*kernels, limit.products_per_s() / team.n_threads(), m, context);
      print(stdout, "  {:>4} rows over {:>4}: {:>8.2f} us {:>4.0f}%\n", m, context, row["us"].get<double>(),
            100 * row["of_peak"].get<double>());
      result["attention"].push_back(row);
    }
  }
  return write_json(options.json, result, "kernels") && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks
