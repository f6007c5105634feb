#include "engine/memory/workspace_index.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "bytemodel/check.h"
#include "engine/memory/memory_store.h"
#include "engine/memory/segment_list.h"
#include "engine/memory/workspace_files.h"

namespace octet::engine {
namespace {

/// New text is shown as soon as there is so much of it.
constexpr std::size_t kPublishBytes = std::size_t{1} << 20;
/// Files that are no text are not read again and again, as far as they are remembered.
constexpr std::size_t kMaxRemembered = 20'000;

bool is_ignore_file(std::string_view path) { return path == ".gitignore" || path.ends_with("/.gitignore"); }

/// The order of list_workspace_files().
bool is_newer(const auto& a, const auto& b) { return a.mtime_ns != b.mtime_ns ? a.mtime_ns > b.mtime_ns : a.path < b.path; }

/// Since 1970, within what any sane clock says.
std::int64_t nanoseconds(const timespec& time) {
  const std::int64_t seconds = std::clamp<std::int64_t>(time.tv_sec, -9'000'000'000, 9'000'000'000);
  return seconds * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

/// What the thread owns: the files that are held and what is left to do.
class WorkspaceIndex::Builder {
 public:
  Builder(const Options& options, std::stop_token stop)
      : root_(options.root), list_(options.max_bytes), store_(options.store_folder, options.root), stop_(std::move(stop)) {
    open_filter();
    if (auto stored = store_.load(); stored && filter_) stored_ = *std::move(stored);
    std::ranges::sort(stored_, [](const auto& a, const auto& b) { return is_newer(b, a); });
  }

  void take(const Inbox& inbox) {
    for (const auto& [path, text] : inbox.documents) text ? put_document(path, text) : close_document(path);
    for (const std::string& path : inbox.changed) refresh(path);
    wants_scan_ = wants_scan_ || inbox.wants_rescan;
  }

  bool has_work() const { return has_changed_ || !stored_.empty() || wants_scan_ || next_ < listed_.size(); }

  /// Makes about kPublishBytes of text more searchable. Returns early when the stop is asked for.
  void work() {
    if (!stored_.empty()) {
      take_stored();
    } else if (wants_scan_) {
      scan();
    } else {
      take_listed();
    }
    while (!stop_.stop_requested() && list_.step()) {
    }
    for (const std::string& path : list_.take_fallen()) has_unsaved_ = known_.erase(path) > 0 || has_unsaved_;
  }

  /// Nothing where it would be the last one again.
  std::shared_ptr<const WorkspaceSnapshot> take_snapshot() { return std::exchange(has_changed_, false) ? list_.snapshot() : nullptr; }

  /// A store that is not read to its end is better than what is here.
  bool should_save() const { return has_unsaved_ && stored_.empty(); }
  void save() {
    std::vector<StoredFileView> files;
    list_.for_each_file([&](std::string_view path, FileRank rank, std::string_view text) {
      if (!rank.is_open) files.emplace_back(path, known_.find(path)->second.n_bytes, rank.time, text);
    });
    std::ranges::sort(files, [](const auto& a, const auto& b) { return is_newer(a, b); });
    // A disk that is full or read-only costs the next start some time, nothing else.
    static_cast<void>(store_.save(files));
    has_unsaved_ = false;
  }

 private:
  /// A file as it was on the disk when it was read; where it is no text it is not in the list.
  struct Known {
    std::uint64_t n_bytes = 0;
    std::int64_t mtime_ns = 0;
  };

  void open_filter() {
    filter_.reset();
    if (auto filter = WorkspaceFilter::open(root_)) filter_ = *std::move(filter);
  }
  bool is_refused(std::string_view path) const { return !filter_ || filter_->refused(path, /*is_folder=*/false).has_value(); }

  void put_document(const std::string& path, const std::shared_ptr<const std::string>& text) {
    drop(path);
    open_.insert(path);
    const auto clean = is_refused(path) ? tl::unexpected(Error{}) : clean_workspace_text(*text, path);
    if (clean && !clean->empty())
      list_.put(path, {true, ++n_changes_}, *clean == *text ? text : std::make_shared<const std::string>(*clean));
  }

  void close_document(const std::string& path) {
    if (open_.erase(path) == 0) return;
    drop(path);
    refresh(path);
  }

  void refresh(const std::string& path) {
    if (is_ignore_file(path)) wants_scan_ = true;
    if (open_.contains(path)) return;
    struct stat status {};
    const bool exists = ::lstat((root_ / path).c_str(), &status) == 0;
    const bool is_file = exists && S_ISREG(status.st_mode);
    if (exists ? S_ISDIR(status.st_mode) : has_files_below(path)) wants_scan_ = true;
    const auto n_bytes = static_cast<std::uint64_t>(status.st_size);
    if (!is_file || n_bytes == 0 || n_bytes > kMaxWorkspaceFileBytes || is_refused(path)) return drop(path);
    read({path, n_bytes, nanoseconds(status.st_mtim)});
  }

  bool has_files_below(const std::string& folder) const {
    const auto next = known_.lower_bound(folder + '/');
    return next != known_.end() && next->first.starts_with(folder + '/');
  }

  /// `file` was looked at before its text is read: a change in between shows as another time.
  void read(const WorkspaceFile& file) {
    auto text = read_workspace_file(root_, file.path);
    drop(file.path);
    if (text) list_.put(file.path, {false, file.mtime_ns}, std::make_shared<const std::string>(*std::move(text)));
    has_unsaved_ = has_unsaved_ || text;
    has_changed_ = true;
    if (text || known_.size() < list_.n_files() + kMaxRemembered) known_[file.path] = {file.n_bytes, file.mtime_ns};
  }

  void drop(std::string_view path) {
    has_changed_ = true;
    if (list_.contains(path)) has_unsaved_ = true;
    list_.remove(path);
    if (const auto known = known_.find(path); known != known_.end()) known_.erase(known);
  }

  void take_stored() {
    while (!stored_.empty() && list_.n_waiting_bytes() < kPublishBytes && !stop_.stop_requested()) {
      StoredFile file = std::move(stored_.back());
      stored_.pop_back();
      if (open_.contains(file.path) || known_.contains(file.path) || is_refused(file.path)) continue;
      auto text = clean_workspace_text(std::move(file.text), file.path);
      if (!text) continue;
      list_.put(file.path, {false, file.mtime_ns}, std::make_shared<const std::string>(*std::move(text)));
      known_[file.path] = {file.n_bytes, file.mtime_ns};
      has_changed_ = true;
    }
  }

  void scan() {
    open_filter();
    auto listed = list_workspace_files(root_, stop_);
    if (stop_.stop_requested()) return;
    wants_scan_ = false;
    next_ = 0;
    listed_.clear();
    if (!listed) {  // the root is gone: nothing can be judged any more. The store stays as it is
      while (!known_.empty()) drop(std::string(known_.begin()->first));
      has_unsaved_ = false;
      return;
    }
    std::unordered_set<std::string_view> paths;
    for (const WorkspaceFile& file : *listed) paths.insert(file.path);
    for (auto known = known_.begin(); known != known_.end();) {
      const std::string path = known++->first;
      if (!paths.contains(path)) drop(path);
    }
    listed_ = *std::move(listed);
  }

  void take_listed() {
    while (next_ < listed_.size() && list_.n_waiting_bytes() < kPublishBytes && !stop_.stop_requested()) {
      const WorkspaceFile& file = listed_[next_];
      const auto known = known_.find(file.path);
      const bool is_new = known == known_.end() || known->second.n_bytes != file.n_bytes || known->second.mtime_ns != file.mtime_ns;
      if (is_new && !open_.contains(file.path)) {
        if (list_.has_room_for(file.path, {false, file.mtime_ns}, file.n_bytes)) {
          read(file);
        } else if (list_.n_waiting_bytes() > 0) {
          return;  // what waits takes more room than what it becomes
        } else if (known != known_.end()) {
          drop(file.path);
        }
      }
      ++next_;
    }
    if (next_ == listed_.size()) {
      listed_ = {};
      next_ = 0;
    }
  }

  std::filesystem::path root_;
  std::optional<WorkspaceFilter> filter_;  // nothing where the root cannot be read: nothing gets in
  SegmentList list_;
  MemoryStore store_;
  std::stop_token stop_;
  std::map<std::string, Known, std::less<>> known_;
  std::set<std::string, std::less<>> open_;
  std::int64_t n_changes_ = 0;      // of open documents
  std::vector<StoredFile> stored_;  // what is left of the store, the newest last
  bool wants_scan_ = true;
  std::vector<WorkspaceFile> listed_;  // the newest first
  std::size_t next_ = 0;               // of listed_
  bool has_changed_ = false;
  bool has_unsaved_ = false;
};

WorkspaceIndex::WorkspaceIndex(Options options)
    : options_(std::move(options)), documents_due_(Clock::now()), thread_([this](const std::stop_token& stop) { run(stop); }) {}

WorkspaceIndex::~WorkspaceIndex() {
  thread_.request_stop();
  thread_.join();
}

std::shared_ptr<const WorkspaceSnapshot> WorkspaceIndex::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

template <class Change>
void WorkspaceIndex::post(const Change& change) {
  {
    const std::lock_guard lock(mutex_);
    change();
    has_news_ = true;
  }
  posted_.notify_one();
}

void WorkspaceIndex::set_document(std::string path, std::shared_ptr<const std::string> text) {
  OCTET_CHECK(text != nullptr);
  post([&] { inbox_.documents.insert_or_assign(std::move(path), std::move(text)); });
}

void WorkspaceIndex::close_document(std::string path) {
  post([&] { inbox_.documents.insert_or_assign(std::move(path), nullptr); });
}

void WorkspaceIndex::refresh(std::string path) {
  post([&] { inbox_.changed.insert(std::move(path)); });
}

void WorkspaceIndex::rescan() {
  post([&] { inbox_.wants_rescan = true; });
}

void WorkspaceIndex::wait_until_idle() {
  post([&] { ++n_waiting_; });
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return !is_busy_ && inbox_.is_empty(); });
  --n_waiting_;
}

WorkspaceIndex::Inbox WorkspaceIndex::wait_take(const std::stop_token& stop, bool has_work, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  is_busy_ = has_work;
  if (!is_busy_ && inbox_.is_empty()) idle_.notify_all();
  const auto are_documents_due = [this] { return !inbox_.documents.empty() && (n_waiting_ > 0 || Clock::now() >= documents_due_); };
  const auto has_due = [&] { return are_documents_due() || !inbox_.changed.empty() || inbox_.wants_rescan; };
  while (!has_work && !has_due() && !stop.stop_requested() && Clock::now() < until) {
    posted_.wait_until(lock, stop, inbox_.documents.empty() ? until : std::min(until, documents_due_),
                       [this] { return std::exchange(has_news_, false); });
  }
  Inbox taken;
  std::swap(taken.changed, inbox_.changed);
  std::swap(taken.wants_rescan, inbox_.wants_rescan);
  if (are_documents_due()) {
    std::swap(taken.documents, inbox_.documents);
    documents_due_ = Clock::now() + options_.document_delay;
  }
  is_busy_ = has_work || !taken.is_empty();
  return taken;
}

void WorkspaceIndex::run(const std::stop_token& stop) {
  Builder builder(options_, stop);
  Clock::time_point save_due = Clock::now();
  const auto never = [] { return Clock::now() + std::chrono::hours(1); };
  while (!stop.stop_requested()) {
    builder.take(wait_take(stop, builder.has_work(), builder.should_save() ? save_due : never()));
    if (builder.has_work()) {
      builder.work();
      if (auto snapshot = builder.take_snapshot()) {
        const std::lock_guard lock(snapshot_mutex_);
        snapshot_.swap(snapshot);
      }
    } else if (builder.should_save() && Clock::now() >= save_due) {
      builder.save();
      save_due = Clock::now() + options_.save_delay;
    }
  }
  if (builder.should_save()) builder.save();
}

}  // namespace octet::engine
