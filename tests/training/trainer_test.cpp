// Whole runs on a tiny corpus: they learn, go on bit for bit, and add up over processes.
#include "tests/training/support/catch.h"

#include <cstdlib>
#include <fstream>
#include <limits>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bytemodel/training/trainer.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
namespace fs = std::filesystem;

RunSettings quiet(const fs::path& directory) {
  return {directory, 1e9, 5, [](const std::string&) {}, nullptr};
}

Dataset corpus(const fs::path& directory, const TrainOptions& options) { return write_tiny_corpus(directory, options.data); }

std::vector<torch::Tensor> all_tensors(const Trainer& trainer) {
  std::vector<torch::Tensor> out;
  for (const Parameter& p : trainer.checkpoint().tensors) out.push_back(p.value.detach().clone());
  return out;
}

std::vector<double> losses(Trainer& trainer, int n_steps) {
  std::vector<double> out;
  for (int i = 0; i < n_steps; ++i) out.push_back(trainer.step().value().bits_per_byte(0));
  return out;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

TEST_CASE("a run learns, keeps a curve and ends with a checkpoint of its average") {
  const TemporaryFolder folder;
  TrainOptions options = tiny_options();
  options.total_bytes *= 2;
  options.precision = GENERATE(Precision::kF32, Precision::kBf16);
  Collective alone;
  const Dataset held_out = corpus(folder.path() / "held-out", options);
  RunSettings settings = quiet(folder.path() / "run");
  settings.held_out = &held_out;
  Trainer trainer(options, settings, corpus(folder.path() / "data", options), torch::kCPU, alone);
  REQUIRE(trainer.run({}));
  CHECK(trainer.progress() == 1);
  const std::string line = fmt::format("{},{},", trainer.position().step, trainer.position().n_bytes);
  const auto read = [&folder](const char* name) {
    std::ifstream in(folder.path() / "run" / name);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  };
  CHECK(read("validation.csv").starts_with("step,bytes,c,python\n" + line));
  const std::string text = read("loss.csv");
  CHECK(text.starts_with("step,bytes,seconds,rate_factor,head_1,head_2,head_3,head_4\n"));
  CHECK(text.find(line) != std::string::npos);
  CHECK(fs::file_size(folder.path() / "run" / "loss.svg") > 500);
  HeadSums sums(4);
  const std::string sequence = corpus(folder.path() / "data", options).sequence(12345).value();
  trainer.averaged().evaluate(torch::from_blob(const_cast<char*>(sequence.data()), {1, 128}, torch::kUInt8), sums);
  CHECK(sums.bits_per_byte(0) < 3);
  CHECK(sums.bits_per_byte(3) < 5);
}

TEST_CASE("with a frozen trunk nothing but the extra heads moves") {
  const TemporaryFolder folder;
  TrainOptions options = tiny_options();
  Collective alone;
  Trainer first(options, quiet(folder.path() / "first"), corpus(folder.path() / "data", options), torch::kCPU, alone);
  losses(first, 4);
  options.schedule.heads = HeadSchedule::kFrozenTrunk;
  Trainer second(options, quiet(folder.path() / "second"), corpus(folder.path() / "data", options), torch::kCPU, alone, &first.network());
  losses(second, 4);
  for (std::size_t i = 0; i < first.network().parameters().size(); ++i) {
    const auto& [name, before] = first.network().parameters()[i];
    const torch::Tensor after = second.network().parameters()[i].value;
    CAPTURE(name);
    if (name == "unembed") {
      CHECK(after[0].equal(before[0]));
      for (int head = 1; head < 4; ++head) CHECK_FALSE(after[head].equal(before[head]));
    } else {
      CHECK(after.equal(before));
    }
  }
}

TEST_CASE("a resumed run computes what an uninterrupted one computes, bit for bit") {
  const TemporaryFolder folder;
  TrainOptions options = tiny_options();
  options.precision = GENERATE(Precision::kF32, Precision::kBf16);
  Collective alone;
  Trainer whole(options, quiet(folder.path() / "whole"), corpus(folder.path() / "data", options), torch::kCPU, alone);
  const std::vector<double> first = losses(whole, 6);
  const std::vector<double> second = losses(whole, 6);

  Trainer begun(options, quiet(folder.path() / "run"), corpus(folder.path() / "data", options), torch::kCPU, alone);
  CHECK(losses(begun, 6) == first);
  const fs::path path = write_checkpoint(folder.path() / "run", begun.checkpoint()).value();
  const Checkpoint checkpoint = read_checkpoint(path).value();
  const auto resumed =
      Trainer::resume(checkpoint, quiet(folder.path() / "run"), corpus(folder.path() / "data", options), torch::kCPU, alone).value();
  CHECK(losses(*resumed, 6) == second);
  const std::vector<torch::Tensor> expected = all_tensors(whole);
  const std::vector<torch::Tensor> found = all_tensors(*resumed);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].equal(expected[i]));
}

TEST_CASE("a checkpoint does not go on with another corpus or with tensors missing") {
  const TemporaryFolder folder;
  const TrainOptions options = tiny_options();
  Collective alone;
  Trainer trainer(options, quiet(folder.path() / "run"), corpus(folder.path() / "data", options), torch::kCPU, alone);
  Checkpoint checkpoint = trainer.checkpoint();
  checkpoint.corpus = "another";
  const auto other = Trainer::resume(checkpoint, quiet(folder.path()), corpus(folder.path() / "data", options), torch::kCPU, alone);
  REQUIRE_FALSE(other);
  CHECK(other.error().message.find("another") != std::string::npos);
  checkpoint = trainer.checkpoint();
  checkpoint.tensors.pop_back();
  const auto missing = Trainer::resume(checkpoint, quiet(folder.path()), corpus(folder.path() / "data", options), torch::kCPU, alone);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("found none") != std::string::npos);
}

TEST_CASE("a loss that is no number ends the run with its step and leaves the checkpoint") {
  const TemporaryFolder folder;
  const TrainOptions options = tiny_options();
  Collective alone;
  Trainer trainer(options, quiet(folder.path() / "run"), corpus(folder.path() / "data", options), torch::kCPU, alone);
  REQUIRE(trainer.step());
  REQUIRE(write_checkpoint(folder.path() / "run", trainer.checkpoint()));
  trainer.network().parameter("final_norm").detach().fill_(std::numeric_limits<float>::quiet_NaN());
  const auto failed = trainer.run({});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.find("step 1") != std::string::npos);
  std::vector<std::string> skipped;
  const Checkpoint good = read_newest_checkpoint(folder.path() / "run", skipped).value();
  CHECK(good.position.step == 1);
  for (const Parameter& p : good.tensors) CHECK(torch::isfinite(p.value).all().item<bool>());
}

TEST_CASE("a stop request ends a run with a checkpoint") {
  const TemporaryFolder folder;
  const TrainOptions options = tiny_options();
  Collective alone;
  std::stop_source stop;
  RunSettings settings = quiet(folder.path() / "run");
  settings.say = [&stop](const std::string&) { stop.request_stop(); };
  Trainer trainer(options, settings, corpus(folder.path() / "data", options), torch::kCPU, alone);
  REQUIRE(trainer.run(stop.get_token()));
  CHECK(trainer.progress() < 1);
  std::vector<std::string> skipped;
  CHECK(read_newest_checkpoint(folder.path() / "run", skipped).value().position.step == trainer.position().step);
}

TEST_CASE("a second run in the same folder is refused while the first one lives") {
  const TemporaryFolder folder;
  const TrainOptions options = tiny_options();
  Collective alone;
  RunSettings settings = quiet(folder.path() / "run");
  Result<void> second;
  settings.say = [&](const std::string&) {
    Trainer other(options, quiet(folder.path() / "run"), corpus(folder.path() / "data", options), torch::kCPU, alone);
    second = other.run({});
  };
  Trainer trainer(options, settings, corpus(folder.path() / "data", options), torch::kCPU, alone);
  REQUIRE(trainer.run({}));
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("another run") != std::string::npos);
}

TEST_CASE("two processes compute what one computes with twice the batch") {
  const TemporaryFolder folder;
  TrainOptions options = tiny_options();
  const Dataset data = corpus(folder.path() / "data", options);
  const std::string port = std::to_string(free_port());
  TrainOptions half = options;
  half.batch = options.batch / 2;
  constexpr int kSteps = 8;
  std::vector<pid_t> children;
  for (const char* rank : {"0", "1"}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    ::setenv("RANK", rank, 1);
    ::setenv("WORLD_SIZE", "2", 1);
    ::setenv("MASTER_ADDR", "127.0.0.1", 1);
    ::setenv("MASTER_PORT", port.c_str(), 1);
    auto collective = join_collective();
    if (!collective) ::_exit(collective.error().code == ErrorCode::kUnsupported ? 77 : 1);
    half.n_workers = 1;
    Trainer trainer(half, quiet(folder.path() / rank), Dataset::open(folder.path() / "data", half.data).value(), torch::kCPU, **collective);
    for (int i = 0; i < kSteps; ++i) {
      if (!trainer.step()) ::_exit(1);
    }
    ::_exit(write_checkpoint(folder.path() / rank, trainer.checkpoint()) ? 0 : 1);
  }
  bool has_gloo = true;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    has_gloo = has_gloo && WEXITSTATUS(status) != 77;
    if (has_gloo) CHECK(WEXITSTATUS(status) == 0);
  }
  if (!has_gloo) {
    WARN("built without Gloo: not tested");
    return;
  }
  options.n_workers = 1;
  Collective alone;
  Trainer one(options, quiet(folder.path() / "one"), Dataset::open(folder.path() / "data", options.data).value(), torch::kCPU, alone);
  losses(one, kSteps);
  std::vector<std::string> skipped;
  const Checkpoint first = read_newest_checkpoint(folder.path() / "0", skipped).value();
  const Checkpoint second = read_newest_checkpoint(folder.path() / "1", skipped).value();
  CHECK(first.position.n_bytes == one.position().n_bytes);
  const std::vector<Parameter> expected = one.checkpoint().tensors;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(expected[i].name);
    CHECK(first.tensors[i].value.equal(second.tensors[i].value));  // the processes stay one
    if (expected[i].name.starts_with("value/")) CHECK(relative_distance(first.tensors[i].value, expected[i].value) < 1e-3);
  }
}

}  // namespace octet::tests
