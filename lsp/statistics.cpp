#include "lsp/statistics.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bytemodel/json_depth.h"

namespace octet::lsp {
namespace {

constexpr std::size_t kMaxLatencies = 2048;
constexpr std::size_t kMaxOffers = 64;

/// The value that a share `p` of the sorted values does not exceed.
double percentile(const std::vector<double>& sorted, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

/// Adds numbers by name, in objects within as well.
void add_counts(const Json& from, Json& to) {
  for (const auto& [name, value] : from.items()) {
    if (value.is_number_unsigned()) {
      const bool has_number = to.contains(name) && to[name].is_number_unsigned();
      to[name] = (has_number ? to[name].get<std::uint64_t>() : 0) + value.get<std::uint64_t>();
    } else if (value.is_object() && name != "latency_ms") {
      if (!to.contains(name) || !to[name].is_object()) to[name] = Json::object();
      add_counts(value, to[name]);
    }
  }
}

/// A lock of this process alone, on a file beside the one that is replaced.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& file) : fd_(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool is_held() const { return fd_ >= 0; }

 private:
  int fd_;
};

Result<void> replace(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path fresh = file.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  const bool is_written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!is_written || ::rename(fresh.c_str(), file.c_str()) != 0) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", file.string(), std::strerror(is_written ? errno : error)));
  }
  return {};
}

}  // namespace

void Statistics::answered(double ms, std::size_t n_bytes, bool from_memory) {
  add("requests", 1);
  add("answered", 1);
  if (from_memory) add("from_memory", 1);
  add("bytes_offered", n_bytes);
  if (latencies_ms_.size() == kMaxLatencies) latencies_ms_.pop_front();
  latencies_ms_.push_back(ms);
}

void Statistics::silent(Silence reason) {
  add("requests", 1);
  ++silences_[std::string(to_string(reason))];
}

void Statistics::computed(const engine::CompletionCounts& counts) {
  add("completions", 1);
  add("steps", counts.steps);
  add("steps_after_stop", counts.steps_after_stop);
  if (counts.steps_after_stop > 1) add("late_stops", 1);
  add("drafted", counts.drafted);
  add("accepted_drafts", counts.accepted);
  add("positions_computed", counts.prefilled_bytes);
  add("positions_reused", counts.reused_bytes);
}

void Statistics::offered(const std::string& token, std::size_t n_bytes, std::size_t n_typed) {
  Offer* offer = find(token);
  if (offer == nullptr) {
    if (offers_.size() == kMaxOffers) offers_.pop_front();
    offer = &offers_.emplace_back(token, Offer()).second;
  }
  offer->n_bytes = offer->n_accepted_bytes + n_bytes;
  offer->n_typed = n_typed;
}

Statistics::Offer* Statistics::find(const std::string& token) {
  const auto found = std::ranges::find(offers_, token, &std::pair<std::string, Offer>::first);
  return found == offers_.end() ? nullptr : &found->second;
}

void Statistics::shown(const std::string& token) {
  Offer* offer = find(token);
  if (offer == nullptr || offer->is_shown) return;
  offer->is_shown = true;
  add("shown", 1);
  const Offer* before = find(shown_);
  if (before != nullptr && !before->is_accepted && before->n_accepted_bytes == 0) add("dismissed", 1);
  shown_ = token;
}

void Statistics::accepted_part(const std::string& token, std::size_t length) {
  Offer* offer = find(token);
  if (offer == nullptr || offer->is_accepted) return;
  if (offer->n_accepted_bytes == 0) add("accepted_partly", 1);
  const std::size_t n = std::clamp(length - std::min(length, offer->n_typed), offer->n_accepted_bytes, offer->n_bytes);
  add("bytes_accepted", n - offer->n_accepted_bytes);
  offer->n_accepted_bytes = n;
}

void Statistics::accepted(const std::string& token) {
  Offer* offer = find(token);
  if (offer == nullptr || offer->is_accepted) return;
  offer->is_accepted = true;
  add("accepted", 1);
  add("bytes_accepted", offer->n_bytes - offer->n_accepted_bytes);
  offer->n_accepted_bytes = offer->n_bytes;
}

Json Statistics::to_json() const {
  Json json = Json::object();
  for (const char* name :
       {"requests", "answered", "from_memory", "completions", "steps", "steps_after_stop", "late_stops", "drafted", "accepted_drafts",
        "positions_computed", "positions_reused", "bytes_offered", "shown", "accepted", "accepted_partly", "dismissed", "bytes_accepted"}) {
    const auto found = counts_.find(name);
    json[name] = found == counts_.end() ? std::uint64_t{0} : found->second;
  }
  json["silent"] = silences_;
  std::vector<double> sorted(latencies_ms_.begin(), latencies_ms_.end());
  std::ranges::sort(sorted);
  Json& latency = json["latency_ms"] = {{"n", sorted.size()}};
  latency["last"] = latencies_ms_.empty() ? Json(nullptr) : Json(latencies_ms_.back());
  for (const auto& [name, p] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}}) {
    latency[name] = sorted.empty() ? Json(nullptr) : Json(percentile(sorted, p));
  }
  return json;
}

Result<void> add_to_statistics_file(const std::filesystem::path& file, const Json& counts) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  const FileLock lock(file.string() + ".lock");
  if (!lock.is_held()) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  Json sums = read_statistics_file(file);
  add_counts(counts, sums);
  return replace(file, sums.dump(1) + "\n");
}

Json read_statistics_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (json_depth_exceeds(text)) return Json::object();
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

}  // namespace octet::lsp
