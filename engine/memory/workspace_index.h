// The index of one workspace folder, kept current by a thread of its own: the files that the memory may read, and the documents
// that are open.
//
// Any thread may call anything; only wait_until_idle() and the destructor wait. What the filter or the reader of files refuses is
// in no snapshot and in no store.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "engine/memory/workspace_corpus.h"

namespace octet::engine {

class WorkspaceIndex {
 public:
  struct Options {
    std::filesystem::path root;
    std::filesystem::path store_folder;             // empty: nothing is kept on the disk
    std::size_t max_bytes = std::size_t{64} << 20;  // of memory, what building needs included
    std::chrono::milliseconds document_delay{200};  // between two looks at the open documents
    std::chrono::milliseconds save_delay{60'000};   // between two writes of the store
  };

  /// Starts the thread: it reads the store, then lists the folder and reads what is new or has changed, the newest first. A root that
  /// cannot be read gives an empty index.
  explicit WorkspaceIndex(Options options);

  /// Writes the store if files have changed since it was written.
  ~WorkspaceIndex();
  WorkspaceIndex(const WorkspaceIndex&) = delete;
  WorkspaceIndex& operator=(const WorkspaceIndex&) = delete;

  /// The newest one that is ready; never null. Does not wait for building.
  std::shared_ptr<const WorkspaceSnapshot> snapshot() const;

  // Paths are relative to the root, '/' between their components.

  /// The text of an open document, in place of the file's. Of several calls the last counts. It is never written to the store.
  void set_document(std::string path, std::shared_ptr<const std::string> text);
  /// The file counts again.
  void close_document(std::string path);
  /// The file was made, changed or deleted.
  void refresh(std::string path);
  /// Anything may have changed.
  void rescan();

  /// Returns when all that was known at the call is in snapshot().
  void wait_until_idle();

 private:
  class Builder;
  /// What the thread has not taken yet. A document without a text was closed.
  struct Inbox {
    std::map<std::string, std::shared_ptr<const std::string>> documents;
    std::set<std::string> changed;
    bool wants_rescan = false;

    bool is_empty() const { return documents.empty() && changed.empty() && !wants_rescan; }
  };
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop);
  /// What is due now. Where there is nothing and the thread has no other work, blocks until there is, `until` or the end.
  Inbox wait_take(const std::stop_token& stop, bool has_work, Clock::time_point until);
  template <class Change>
  void post(const Change& change);

  const Options options_;

  mutable std::mutex snapshot_mutex_;  // held for a copy of the pointer
  std::shared_ptr<const WorkspaceSnapshot> snapshot_ = std::make_shared<WorkspaceSnapshot>();

  std::mutex mutex_;  // of what follows
  std::condition_variable_any posted_;
  std::condition_variable idle_;
  Inbox inbox_;
  bool has_news_ = false;
  bool is_busy_ = true;
  std::size_t n_waiting_ = 0;  // in wait_until_idle(): what they wait for is not delayed
  Clock::time_point documents_due_;

  std::jthread thread_;  // last: it uses all of this
};

}  // namespace octet::engine
