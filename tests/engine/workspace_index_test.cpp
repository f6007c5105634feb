// The index of a folder that changes: what is on the disk and in the editor is found, what is refused never is.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "engine/memory/memory_store.h"
#include "engine/memory/workspace_files.h"
#include "engine/memory/workspace_index.h"
#include "tests/bytemodel/scratch.h"

namespace octet::tests {
namespace {

namespace fs = std::filesystem;
using engine::TextSegment;
using engine::WorkspaceIndex;
using engine::WorkspaceSnapshot;
using namespace std::chrono_literals;
using Texts = std::map<std::string, std::string>;
using Order = std::vector<std::pair<std::string, std::string>>;

std::shared_ptr<const std::string> shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

std::string lines_of(std::size_t n_bytes) {
  std::string text;
  while (text.size() < n_bytes) text += fmt::format("let word{} = {};\n", text.size() % 97, text.size());
  return text.substr(0, n_bytes);
}

/// Every file that can be found, the newest first.
Order order_in(const WorkspaceSnapshot& snapshot) {
  Order order;
  for (const WorkspaceSnapshot::Part& part : snapshot.parts) {
    const TextSegment& segment = *part.segment;
    for (std::size_t i = segment.n_files(); i-- > 0;) {
      if (part.is_gone[i]) continue;
      const std::size_t end = i + 1 < segment.n_files() ? segment.file_start(i + 1) : segment.text().size();
      order.emplace_back(segment.path(i), segment.text().substr(segment.file_start(i), end - segment.file_start(i) - 1));
    }
  }
  return order;
}

Texts texts_in(const WorkspaceSnapshot& snapshot) {
  const Order order = order_in(snapshot);
  Texts texts(order.begin(), order.end());
  CHECK(texts.size() == order.size());
  return texts;
}

/// A workspace and a place for its store.
class Workspace {
 public:
  Workspace() { fs::create_directories(root()); }

  fs::path root() const { return scratch_ / "root"; }
  fs::path store_folder() const { return scratch_ / "store"; }
  fs::path store_file() const { return engine::MemoryStore(store_folder(), root()).file(); }
  WorkspaceIndex::Options options() const {
    return {.root = root(), .store_folder = store_folder(), .max_bytes = std::size_t{64} << 20, .document_delay = 0ms, .save_delay = 0ms};
  }

  /// Each file a second newer than the one before.
  void write(const std::string& path, std::string_view text) {
    fs::create_directories((root() / path).parent_path());
    write_file(root() / path, text);
    set_time(path, ++now_);
  }
  void set_time(const std::string& path, std::int64_t seconds) const {
    fs::last_write_time(root() / path, fs::file_time_type(fs::file_time_type::duration::zero()) + std::chrono::seconds(seconds));
  }
  void remove(const std::string& path) const { fs::remove_all(root() / path); }

 private:
  ScratchFolder scratch_;
  std::int64_t now_ = 0;
};

Texts settled(WorkspaceIndex& index) {
  index.wait_until_idle();
  return texts_in(*index.snapshot());
}

TEST_CASE("what is in a folder is found, the newest first") {
  Workspace workspace;
  workspace.write("b.c", "int b;\n");
  workspace.write("src/a.c", "int a;\n");
  workspace.write("c.c", "int c;\n");
  WorkspaceIndex index(workspace.options());
  index.wait_until_idle();
  CHECK(order_in(*index.snapshot()) == Order{{"c.c", "int c;\n"}, {"src/a.c", "int a;\n"}, {"b.c", "int b;\n"}});
}

TEST_CASE("a folder that is not there gives an empty index, and open documents stay out") {
  Workspace workspace;
  auto options = workspace.options();
  options.root = workspace.root() / "missing";
  WorkspaceIndex index(options);
  REQUIRE(index.snapshot() != nullptr);
  index.set_document("a.c", shared("int a;\n"));
  CHECK(settled(index).empty());
}

TEST_CASE("an open document counts as the editor has it, as the newest, and as its file when it is closed") {
  Workspace workspace;
  workspace.write("a.c", "int a;\n");
  workspace.write("b.c", "int b;\n");
  WorkspaceIndex index(workspace.options());
  index.set_document("a.c", shared("int changed;\n"));
  index.set_document("new.c", shared("int created;\n"));
  index.wait_until_idle();
  Order order = order_in(*index.snapshot());
  REQUIRE(order.size() == 3);
  CHECK(order.back() == std::pair<std::string, std::string>{"b.c", "int b;\n"});
  index.set_document("a.c", shared("int again;\n"));
  index.rescan();
  index.wait_until_idle();
  CHECK(order_in(*index.snapshot()) == Order{{"a.c", "int again;\n"}, {"new.c", "int created;\n"}, {"b.c", "int b;\n"}});
  index.close_document("a.c");
  index.close_document("new.c");
  index.close_document("never opened");
  index.wait_until_idle();
  CHECK(order_in(*index.snapshot()) == Order{{"b.c", "int b;\n"}, {"a.c", "int a;\n"}});
}

TEST_CASE("of many changes to a document the last counts, and delays do not hold up who waits") {
  Workspace workspace;
  auto options = workspace.options();
  options.document_delay = 1h;
  WorkspaceIndex index(options);
  for (int i = 0; i <= 1000; ++i) index.set_document("a.c", shared(fmt::format("int n{};\n", i)));
  CHECK(settled(index) == Texts{{"a.c", "int n1000;\n"}});
}

TEST_CASE("files that are made, changed, moved and deleted are noticed when they are named, or by a scan") {
  Workspace workspace;
  workspace.write("a.c", "int a;\n");
  workspace.write("src/b.c", "int b;\n");
  workspace.write("src/deep/c.c", "int c;\n");
  WorkspaceIndex index(workspace.options());
  REQUIRE(settled(index).size() == 3);
  workspace.write("a.c", "int z;\n");  // no byte more or less
  index.rescan();
  REQUIRE(settled(index).at("a.c") == "int z;\n");
  const bool is_named = GENERATE(true, false);
  const auto tell = [&](const std::vector<std::string>& paths) {
    if (!is_named) return index.rescan();
    for (const std::string& path : paths) index.refresh(path);
  };
  workspace.write("a.c", "int changed;\n");
  workspace.write("new.c", "int created;\n");
  tell({"a.c", "new.c"});
  CHECK(settled(index) ==
        Texts{{"a.c", "int changed;\n"}, {"new.c", "int created;\n"}, {"src/b.c", "int b;\n"}, {"src/deep/c.c", "int c;\n"}});
  workspace.remove("new.c");
  fs::rename(workspace.root() / "src", workspace.root() / "lib");
  tell({"new.c", "src", "lib"});
  CHECK(settled(index) == Texts{{"a.c", "int changed;\n"}, {"lib/b.c", "int b;\n"}, {"lib/deep/c.c", "int c;\n"}});
  workspace.remove("lib");
  workspace.write("a.c", std::string("\0\0", 2));
  tell({"lib", "a.c"});
  CHECK(settled(index).empty());
}

TEST_CASE("a rule for git that is new takes out what it names") {
  Workspace workspace;
  workspace.write("a.c", "int a;\n");
  workspace.write("notes.txt", "mine\n");
  WorkspaceIndex index(workspace.options());
  REQUIRE(settled(index).size() == 2);
  workspace.write(".gitignore", "notes.txt\n");
  index.refresh(".gitignore");
  CHECK(settled(index).count("notes.txt") == 0);
}

TEST_CASE("a second run has at once what the first one left, and notices what changed in between") {
  Workspace workspace;
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) workspace.write(fmt::format("d{}/f{}", i % 7, i), lines_of(random() % 3000 + 1));
  Order first;
  {
    WorkspaceIndex index(workspace.options());
    index.set_document("d1/f1", shared("edited\n"));
    index.close_document("d1/f1");
    index.wait_until_idle();
    first = order_in(*index.snapshot());
  }
  REQUIRE(first.size() == 200);
  REQUIRE(fs::exists(workspace.store_file()));
  SECTION("nothing changed") {
    WorkspaceIndex index(workspace.options());
    index.wait_until_idle();
    CHECK(order_in(*index.snapshot()) == first);
  }
  SECTION("files changed") {
    workspace.write("d1/f1", "changed\n");
    workspace.write("d9/new", "created\n");
    workspace.remove("d2");
    workspace.write(".gitignore", "f3\n");
    WorkspaceIndex index(workspace.options());
    Texts texts = settled(index);
    CHECK(texts.at("d1/f1") == "changed\n");
    CHECK(texts.at("d9/new") == "created\n");
    CHECK(texts.count("d2/f2") == 0);
    CHECK(texts.count("d3/f3") == 0);
    CHECK(texts.at("d3/f10").size() > 0);
  }
  SECTION("the store was broken") {
    write_file(workspace.store_file(), "octmem1\nbroken");
    WorkspaceIndex index(workspace.options());
    index.wait_until_idle();
    CHECK(order_in(*index.snapshot()) == first);
  }
}

TEST_CASE("what an editor holds but has not saved is not in the store") {
  Workspace workspace;
  workspace.write("a.c", "int a;\n");
  workspace.write("kept.c", "int kept;\n");
  {
    WorkspaceIndex index(workspace.options());
    REQUIRE(settled(index).size() == 2);
    index.set_document("a.c", shared("unsaved\n"));
    index.set_document("b.c", shared("unsaved\n"));
    REQUIRE(settled(index).size() == 3);
  }
  const std::string stored = read_file(workspace.store_file());
  CHECK(stored.find("unsaved") == std::string::npos);
  CHECK(stored.find("int kept") != std::string::npos);
}

TEST_CASE("secrets and ignored files are in no snapshot and no store") {
  constexpr std::string_view kCanary = "CANARY-7f3a";
  const std::string key = std::string("-----BEGIN RSA ") + "PRIVATE KEY-----\n" + std::string(kCanary) + "\n";
  const std::string text = std::string(kCanary) + "\n";
  Workspace workspace;
  workspace.write(".gitignore", "private/\n*.local\n");
  const std::vector<std::pair<std::string, std::string>> refused{
      {".env", text},     {"server.key", text},  {"id_rsa", text},        {"private/a.c", text},       {"a.local", text},
      {"notes.txt", key}, {".ssh/config", text}, {"wide.c", text + '\0'}, {"node_modules/a.js", text}, {"../outside.c", text},
      {"./dot.c", text}};
  for (const auto& [path, content] : refused) {
    if (!path.starts_with("../")) workspace.write(path, content);
  }
  workspace.write("good.c", "int good;\n");
  workspace.write("turned.c", "int turned;\n");
  workspace.remove("./dot.c");
  for (int run = 0; run < 2; ++run) {
    WorkspaceIndex index(workspace.options());
    const auto check = [&] {
      for (const auto& [path, content] : settled(index)) {
        INFO(path);
        CHECK(content.find(kCanary) == std::string::npos);
      }
    };
    check();
    for (const auto& [path, content] : refused) index.set_document(path, shared(content));
    index.set_document("turned.c", shared("int turned;\n"));
    check();
    CHECK(texts_in(*index.snapshot()).count("turned.c") == 1);
    index.set_document("turned.c", shared(key));
    check();
    for (const auto& [path, content] : refused) index.close_document(path);
    for (const auto& [path, content] : refused) index.refresh(path);
    check();
    CHECK(texts_in(*index.snapshot()).count("good.c") == 1);
  }
  REQUIRE(fs::exists(workspace.store_file()));
  CHECK(read_file(workspace.store_file()).find(kCanary) == std::string::npos);
  CHECK(read_file(workspace.store_file()).find("good.c") != std::string::npos);
}

TEST_CASE("a store is not believed: what a rule refuses today stays out") {
  Workspace workspace;
  workspace.write("k.c", "int k;\n");
  for (int i = 0; i < 2000; ++i) workspace.write(fmt::format("f{}", i), "text\n");  // so that the scan takes a while
  const std::string key = std::string("-----BEGIN RSA ") + "PRIVATE KEY-----\nx\n";
  const auto listed = engine::list_workspace_files(workspace.root(), {});
  REQUIRE(listed);
  const std::int64_t mtime_ns = std::ranges::find(*listed, "k.c", &engine::WorkspaceFile::path)->mtime_ns;
  const std::vector<engine::StoredFile> stored{{".env", 5, 1, "A=b\n"}, {"k.c", 7, mtime_ns, key}, {"../x.c", 5, 3, "x\n"}};
  const std::vector<engine::StoredFileView> views(stored.begin(), stored.end());
  REQUIRE(engine::MemoryStore(workspace.store_folder(), workspace.root()).save(views));
  WorkspaceIndex index(workspace.options());
  std::shared_ptr<const WorkspaceSnapshot> first;
  do {
    first = index.snapshot();
  } while (first->parts.empty());
  for (const auto& texts : {texts_in(*first), settled(index)}) {
    CHECK(texts.count(".env") == 0);
    CHECK(texts.count("../x.c") == 0);
    CHECK((texts.count("k.c") == 0 || texts.at("k.c") == "int k;\n"));
  }
}

TEST_CASE("the newest files of a folder that is too large are held") {
  Workspace workspace;
  for (int i = 0; i < 300; ++i) workspace.write(fmt::format("f{}", i), lines_of(2000));
  auto options = workspace.options();
  options.max_bytes = 2'000'000;
  Order order;
  {
    WorkspaceIndex index(options);
    index.wait_until_idle();
    order = order_in(*index.snapshot());
    std::size_t n_bytes = 0;
    for (const auto& part : index.snapshot()->parts) n_bytes += part.segment->n_bytes();
    CHECK(n_bytes <= options.max_bytes);
    CHECK(n_bytes >= options.max_bytes / 4);
    REQUIRE(order.size() > 50);
    REQUIRE(order.size() < 300);
    for (std::size_t i = 0; i < order.size(); ++i) REQUIRE(order[i].first == fmt::format("f{}", 299 - i));
  }
  WorkspaceIndex index(options);
  index.wait_until_idle();
  CHECK(order_in(*index.snapshot()) == order);
  workspace.write("newer", std::string(500'000, 'x') + "\n");  // not the lines of a person
  workspace.write("newest", "int a;\n");
  index.rescan();
  CHECK(settled(index).count("newest") == 1);
}

TEST_CASE("edits from many threads end as their last ones, while readers hold snapshots") {
  Workspace workspace;
  for (int i = 0; i < 50; ++i) workspace.write(fmt::format("f{}", i), fmt::format("int n{};\n", i));
  WorkspaceIndex index(workspace.options());
  std::atomic<bool> is_over = false;
  std::thread reader([&] {
    std::shared_ptr<const WorkspaceSnapshot> held = index.snapshot();
    Order before = order_in(*held);
    while (!is_over) {
      const auto next = index.snapshot();
      if (order_in(*held) != before) std::abort();  // assertions belong to the main thread
      held = next;
      before = order_in(*held);
    }
  });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 300; ++i) {
        const std::string path = fmt::format("f{}", 3 * (i % 10) + writer);
        if (i % 7 == 0) index.close_document(path);
        if (i % 5 == 0) index.refresh(path);
        if (i % 100 == 0) index.rescan();
        index.set_document(path, shared(fmt::format("int w{}_{};\n", writer, i)));
        if (i % 50 == 0) index.wait_until_idle();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const Texts texts = settled(index);
  is_over = true;
  reader.join();
  REQUIRE(texts.size() == 50);
  for (int i = 0; i < 30; ++i) {
    CHECK(texts.at(fmt::format("f{}", i)) == fmt::format("int w{}_{};\n", i % 3, 290 + i / 3));
  }
}

TEST_CASE("an index ends soon, whatever it is doing") {
  Workspace workspace;
  std::mt19937 random(7);
  for (int i = 0; i < 400; ++i) {
    std::string text;
    while (text.size() < 10'000) text += fmt::format("word{}{}", random() % 1000, random() % 8 == 0 ? '\n' : ' ');
    workspace.write(fmt::format("f{}", i), text);
  }
  for (const auto pause : {0ms, 5ms, 20ms, 80ms, 200ms}) {
    auto index = std::make_unique<WorkspaceIndex>(workspace.options());
    std::this_thread::sleep_for(pause);
    const auto begin = std::chrono::steady_clock::now();
    index.reset();
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took < 1s);  // 0.1 s on a quiet machine
  }
}

}  // namespace
}  // namespace octet::tests
