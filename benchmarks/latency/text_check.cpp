#include "benchmarks/latency/text_check.h"

#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/sha256.h"

namespace octet::benchmarks {
namespace {

using Place = std::pair<std::size_t, std::string>;  // an event, and the text that came behind it

std::string hash_of(const std::vector<KeyRecord>& records) {
  bytemodel::Sha256 hash;
  for (const KeyRecord& record : records) {
    hash.add(fmt::format("{} {} {}\n", record.event_idx, to_string(record.outcome), record.text.size()));
    hash.add(record.text);
  }
  return bytemodel::to_hex(hash.finish());
}

/// Follows what was offered while it is typed on.
class Offers {
 public:
  explicit Offers(const Trace& trace) : trace_(trace) {}

  /// The next record of a repetition; records come in the order of their events.
  bool explains(const KeyRecord& record) {
    for (; next_ <= record.event_idx; ++next_) type(trace_.events[next_]);
    bool is_rest = false;
    for (const std::string& rest : rests_) is_rest = is_rest || rest == record.text;
    if (record.outcome == Outcome::kText) rests_.push_back(record.text);
    return is_rest;
  }

 private:
  void type(const TraceEvent& event) {
    std::vector<std::string> left;
    for (const std::string& rest : rests_) {
      const bool goes_on =
          event.start == event.end && event.start == cursor_ && event.file_idx == file_idx_ && rest.starts_with(event.text);
      if (goes_on) left.push_back(rest.substr(event.text.size()));
    }
    rests_ = std::move(left);
    cursor_ = event.cursor;
    file_idx_ = event.file_idx;
  }

  const Trace& trace_;
  std::size_t next_ = 0;
  std::size_t cursor_ = 0;
  std::size_t file_idx_ = 0;
  std::vector<std::string> rests_;
};

}  // namespace

Result<TextCheck> check_texts(const std::vector<Repetition>& repetitions, const Trace& trace, const MakeServer& make_server) {
  TextCheck check;
  if (repetitions.empty()) return check;
  check.hash = hash_of(repetitions.front().unhurried);
  std::map<std::size_t, std::string> unhurried;
  for (const KeyRecord& record : repetitions.front().unhurried) unhurried[record.event_idx] = record.text;
  std::map<Place, bool> asked_again;
  for (std::size_t i = 0; i < repetitions.size(); ++i) {
    const Repetition& repetition = repetitions[i];
    check.n_texts += repetition.unhurried.size() + repetition.typing.size();
    if (hash_of(repetition.unhurried) != check.hash) {
      check.wrong.push_back(fmt::format("the unhurried texts of repetition {} are not those of the first", i + 1));
    }
    Offers offers(trace);
    for (const KeyRecord& record : repetition.typing) {
      const bool is_rest = offers.explains(record);
      if (record.outcome != Outcome::kText || is_rest || record.text == unhurried[record.event_idx]) continue;
      const auto [place, is_new] = asked_again.try_emplace({record.event_idx, record.text}, true);
      if (is_new) {
        ++check.n_asked_again;
        const auto server = make_server();
        if (const auto warm = start_and_warm(*server, trace); !warm) return tl::unexpected(warm.error());
        const auto answer = ask_alone(*server, trace, record.event_idx);
        if (!answer) return tl::unexpected(answer.error());
        server->stop();
        place->second = answer->text == record.text;
      }
      if (!place->second) {
        check.wrong.push_back(fmt::format("repetition {}, event {}: \"{}\" while typing, \"{}\" unhurried", i + 1, record.event_idx,
                                          record.text, unhurried[record.event_idx]));
      }
    }
  }
  return check;
}

}  // namespace octet::benchmarks
