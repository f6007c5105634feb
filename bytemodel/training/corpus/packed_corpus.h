// One file of many documents: what `octet-train corpus` writes for each language and split, and the trainer samples from.
// Layout, little-endian:
//   "octpack1", u64 n_documents, u64 index_offset, the documents' bytes one after another,
//   then at index_offset for each document: u64 offset (from the file's start), u32 n_bytes, u32 n_path_bytes, the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

/// The longest document and the longest path that a pack may hold, in bytes.
inline constexpr std::uint32_t kMaxDocumentBytes = 1 << 20;
inline constexpr std::uint32_t kMaxPathBytes = 4096;

struct PackedDocument {
  std::string path;  // package, then the path inside it: "zlib/inflate.c"
  std::uint64_t offset = 0;
  std::uint32_t n_bytes = 0;
};

/// An open pack. The index is in memory, the text stays on the disk. Reading is safe from many threads.
class PackedCorpus {
 public:
  /// Fails with kUnreadable, or with kMalformed where a count, an offset or a path lies outside the file.
  static Result<PackedCorpus> open(const std::filesystem::path& path);

  PackedCorpus(PackedCorpus&&) noexcept;
  PackedCorpus& operator=(PackedCorpus&&) noexcept;
  ~PackedCorpus();

  const std::vector<PackedDocument>& documents() const { return documents_; }
  std::uint64_t n_text_bytes() const { return n_text_bytes_; }
  /// The document's bytes. Fails with kUnreadable.
  Result<std::string> text(std::size_t document_idx) const;

 private:
  PackedCorpus() = default;

  int fd_ = -1;
  std::filesystem::path path_;
  std::vector<PackedDocument> documents_;
  std::uint64_t n_text_bytes_ = 0;
};

/// Writes a pack document by document; finish() renames the temporary file to `path`. Without finish() nothing is left.
class PackWriter {
 public:
  static Result<PackWriter> create(const std::filesystem::path& path);

  PackWriter(PackWriter&&) noexcept;
  PackWriter& operator=(PackWriter&&) noexcept;
  ~PackWriter();

  /// CHECKs the limits above. Fails with kUnreadable and the system's reason (disk full).
  Result<void> add(std::string_view document_path, std::string_view text);
  Result<void> finish();

 private:
  PackWriter() = default;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream out_;
  std::vector<PackedDocument> documents_;
  std::uint64_t end_ = 0;
};

}  // namespace octet::bytemodel::training
