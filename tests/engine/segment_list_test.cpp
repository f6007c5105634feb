// The files of a workspace in segments: whatever the edits were, what is found is what one segment of the same files would give.
#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "engine/memory/segment_list.h"
#include "engine/memory/workspace_corpus.h"

namespace octet::tests {
namespace {

using engine::ContextKind;
using engine::FileRank;
using engine::Place;
using engine::SegmentFile;
using engine::SegmentList;
using engine::TextSegment;
using engine::WorkspaceCorpus;
using engine::WorkspaceSnapshot;

constexpr std::size_t kPlenty = std::size_t{1} << 30;

struct ModelFile {
  FileRank rank;
  std::string text;
};
using Model = std::map<std::string, ModelFile>;

/// Few words, so that contexts occur in many files.
std::string some_text(std::mt19937& random, std::size_t n_words) {
  static const std::vector<std::string> words{"alpha", "beta", "gamma(", "alphabet", "be", "return ", "x", "\n", " = ", "gam"};
  std::string text;
  for (std::size_t i = 0; i < n_words; ++i) text += words[random() % words.size()];
  return text;
}

std::shared_ptr<const std::string> shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

/// All files in one segment: nothing is hidden, nothing was ever moved.
std::shared_ptr<const WorkspaceSnapshot> afresh(const Model& model) {
  std::vector<std::pair<FileRank, std::string>> order;
  for (const auto& [path, file] : model) order.emplace_back(file.rank, path);
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second > b.second; });
  std::vector<SegmentFile> files;
  for (const auto& [rank, path] : order) files.push_back({path, shared(model.at(path).text)});
  auto snapshot = std::make_shared<WorkspaceSnapshot>();
  if (!files.empty()) snapshot->parts.push_back({std::make_shared<const TextSegment>(files), std::vector<bool>(files.size())});
  return snapshot;
}

using NamedPlaces = std::vector<std::pair<std::string, std::size_t>>;

NamedPlaces places_in(const std::shared_ptr<const WorkspaceSnapshot>& snapshot, const std::string& document, ContextKind kind,
                      const std::string& context, std::size_t limit) {
  const WorkspaceCorpus corpus(snapshot, document);
  std::vector<Place> places;
  corpus.find(kind, context, limit, places);
  NamedPlaces named;
  for (const Place place : places) {
    const TextSegment& segment = *snapshot->parts[place.text_idx].segment;
    named.emplace_back(corpus.path_of(place), place.position - segment.file_start(segment.file_at(place.position)));
  }
  return named;
}

void require_same_places(const SegmentList& list, const Model& model, std::mt19937& random) {
  const auto snapshot = list.snapshot();
  const auto expected = afresh(model);
  for (int i = 0; i < 12; ++i) {
    const std::string context = some_text(random, 5);
    const std::string document = model.empty() || i % 3 == 0 ? "none" : std::next(model.begin(), random() % model.size())->first;
    for (const ContextKind kind : engine::kSegmentKinds) {
      for (const std::size_t limit : {std::size_t{1}, std::size_t{32}, kPlenty}) {
        INFO(context << " in " << document);
        REQUIRE(places_in(snapshot, document, kind, context, limit) == places_in(expected, document, kind, context, limit));
      }
    }
  }
  std::set<std::string> held;
  std::size_t n_text_bytes = 0;
  list.for_each_file([&](std::string_view path, FileRank rank, std::string_view text) {
    const ModelFile& file = model.at(std::string(path));
    REQUIRE(file.rank == rank);
    REQUIRE(file.text == text);
    REQUIRE(list.contains(path));
    held.emplace(path);
    n_text_bytes += text.size();
  });
  REQUIRE(held.size() == model.size());
  REQUIRE(list.n_files() == model.size());
  REQUIRE(list.n_text_bytes() == n_text_bytes);
}

/// No segment is much larger than what is found in it.
void require_little_waste(const WorkspaceSnapshot& snapshot) {
  for (const auto& [segment, is_gone] : snapshot.parts) {
    std::size_t gone_bytes = 0;
    for (std::size_t i = 0; i < segment->n_files(); ++i) {
      const std::size_t end = i + 1 < segment->n_files() ? segment->file_start(i + 1) : segment->text().size();
      if (is_gone[i]) gone_bytes += end - segment->file_start(i) - 1;
    }
    REQUIRE(4 * gone_bytes <= segment->text().size());
  }
}

/// Edits a list and a model alike.
class Editor {
 public:
  Editor(SegmentList& list, std::uint32_t seed) : list_(list), random_(seed) {}

  void edit() {
    const std::string path = fmt::format("d{}/f{}", random_() % 8, random_() % 40);
    switch (random_() % 10) {
      case 0:
      case 1:
        list_.remove(path);
        model_.erase(path);
        return;
      case 2: return rename(path, path + "r");
      case 3: return put(path, {false, static_cast<std::int64_t>(random_() % 50)}, text());  // its time may be any
      case 4: return put(path, {true, ++now_}, text());
      default: return put(path, {false, ++now_}, text());
    }
  }

  void put(const std::string& path, FileRank rank, const std::string& text) {
    list_.put(path, rank, shared(text));
    model_[path] = {rank, text};
  }

  /// What fell out must be older than all that stayed.
  void forget_fallen() {
    const auto is_older = [](const auto& a, const auto& b) {
      return a.second.rank != b.second.rank ? a.second.rank < b.second.rank : a.first > b.first;
    };
    Model fallen;
    for (const std::string& path : list_.take_fallen()) fallen.insert(model_.extract(path));
    if (fallen.empty() || model_.empty()) return;
    const auto newest_fallen = std::max_element(fallen.begin(), fallen.end(), is_older);
    const auto oldest_held = std::min_element(model_.begin(), model_.end(), is_older);
    REQUIRE(is_older(*newest_fallen, *oldest_held));
  }

  const Model& model() const { return model_; }
  std::mt19937& random() { return random_; }

 private:
  std::string text() { return some_text(random_, random_() % 12); }
  void rename(const std::string& from, const std::string& to) {
    const auto file = model_.find(from);
    if (file == model_.end()) return;
    const ModelFile moved = file->second;
    list_.remove(from);
    model_.erase(file);
    put(to, moved.rank, moved.text);
  }

  SegmentList& list_;
  std::mt19937 random_;
  Model model_;
  std::int64_t now_ = 50;
};

void work(SegmentList& list) {
  while (list.step()) {
  }
}

TEST_CASE("a hundred thousand edits leave what a fresh index would have") {
  SegmentList list(kPlenty, /*segment_bytes=*/1024);
  Editor editor(list, 1);
  std::size_t most_parts = 0;
  for (int i = 0; i < 100'000; ++i) {
    editor.edit();
    if (editor.random()() % 3 == 0) work(list);
    if (i % 500 == 0) {
      work(list);
      require_same_places(list, editor.model(), editor.random());
      require_little_waste(*list.snapshot());
      most_parts = std::max(most_parts, list.snapshot()->parts.size());
    }
  }
  work(list);
  require_same_places(list, editor.model(), editor.random());
  CHECK(list.take_fallen().empty());
  CHECK(most_parts > 5);    // the test would show little with one
  CHECK(most_parts < 100);  // and a search of many would be slow
}

TEST_CASE("memory stays within its limit, and what falls out is the oldest") {
  for (const std::size_t max_bytes : {0, 3'000, 60'000, 150'000, 300'000}) {
    SegmentList list(max_bytes, /*segment_bytes=*/1024);
    Editor editor(list, 2);
    std::size_t most_bytes = 0;
    for (int i = 0; i < 4000; ++i) {
      editor.edit();
      while (list.step()) {
        REQUIRE(list.n_bytes() <= std::max(max_bytes, std::size_t{1000}));
        most_bytes = std::max(most_bytes, list.n_bytes());
      }
      editor.forget_fallen();
      if (i % 40 == 0) require_same_places(list, editor.model(), editor.random());
    }
    CAPTURE(max_bytes);
    CHECK(most_bytes >= max_bytes / 2);
  }
}

TEST_CASE("what a segment and its making need is within what is set aside for it") {
  std::mt19937 random(3);
  for (const std::size_t n_words : {100, 1000, 30'000, 250'000}) {
    const std::vector<SegmentFile> files{{"a", shared(some_text(random, n_words))}};
    const std::size_t n_bytes = files[0].text->size();
    const std::size_t hashes = 4 * n_bytes + n_bytes / 8;
    CHECK(TextSegment(files).n_bytes() + hashes + n_bytes <= SegmentList::kBuildBytes * n_bytes + SegmentList::kFileBytes);
  }
}

TEST_CASE("a list that is full takes what is newer and nothing older") {
  SegmentList list(200'000, /*segment_bytes=*/2048);
  std::mt19937 random(4);
  std::int64_t time = 1'000'000;
  while (list.has_room_for("old", {false, time}, 500)) {
    list.put(fmt::format("f{}", time), {false, time}, shared(std::string(500, 'x')));
    work(list);
    REQUIRE(list.take_fallen().empty());
    --time;
  }
  CHECK(list.n_files() > 5);
  CHECK_FALSE(list.has_room_for("old", {false, time}, 500));
  CHECK(list.has_room_for("new", {false, time + 2}, 500));
  CHECK(list.has_room_for("open", {true, 0}, 500));
}

TEST_CASE("a file may change and come back to the time that it had") {
  for (const char* path : {"a", "b", "c", "d", "e"}) {
    SegmentList list(kPlenty);
    Model model;
    const auto put = [&](const std::string& name, FileRank rank) {
      list.put(name, rank, shared("int " + name + ";\n"));
      model[name] = {rank, "int " + name + ";\n"};
      for (int n_steps = 0; list.step(); ++n_steps) REQUIRE(n_steps < 10);
    };
    for (const char* name : {"a", "b", "c", "d", "e"}) put(name, {false, name[0]});
    put(path, {true, 1});
    put(path, {false, path[0]});
    std::mt19937 random(6);
    require_same_places(list, model, random);
  }
}

TEST_CASE("a snapshot stays as it was") {
  SegmentList list(kPlenty);
  list.put("a.c", {false, 1}, shared("int alpha;\n"));
  list.put("b.c", {false, 2}, shared("int alphabet;\n"));
  work(list);
  const auto before = list.snapshot();
  list.put("b.c", {false, 3}, shared("nothing\n"));
  work(list);
  list.remove("a.c");
  CHECK(places_in(before, "", ContextKind::kBytes4, "int a", 9) == NamedPlaces{{"b.c", 5}, {"a.c", 5}});
  CHECK(places_in(list.snapshot(), "", ContextKind::kBytes4, "int a", 9).empty());
}

TEST_CASE("who types in one of many open files has only that file built again") {
  SegmentList list(kPlenty);
  std::mt19937 random(5);
  std::int64_t now = 0;
  for (int i = 0; i < 40; ++i) list.put(fmt::format("f{}", i), {true, ++now}, shared(some_text(random, 4000)));
  work(list);
  const auto before = list.snapshot();
  for (int i = 0; i < 20; ++i) {
    list.put("f7", {true, ++now}, shared(some_text(random, 4000)));
    int n_steps = 0;
    while (list.step()) ++n_steps;
    CHECK(n_steps == 1);
  }
  CHECK(list.snapshot()->parts.back().segment == before->parts.back().segment);
}

}  // namespace
}  // namespace octet::tests
