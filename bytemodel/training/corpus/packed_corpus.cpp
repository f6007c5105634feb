#include "bytemodel/training/corpus/packed_corpus.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bytemodel/check.h"

namespace octet::bytemodel::training {
namespace {

static_assert(std::endian::native == std::endian::little, "packs are little-endian");

constexpr std::string_view kMagic = "octpack1";
constexpr std::uint64_t kHeaderBytes = 24;
constexpr std::uint64_t kEntryBytes = 16;  // of one document in the index, without its path

/// False, with errno, at the end of the file and on errors.
bool read_at(int fd, std::uint64_t offset, char* out, std::size_t n_bytes) {
  while (n_bytes > 0) {
    const ssize_t n = ::pread(fd, out, n_bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENODATA;  // somebody cut the file short
    if (n <= 0) return false;
    out += n;
    offset += static_cast<std::uint64_t>(n);
    n_bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

template <class T>
T number_at(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T>
void put(std::ostream& out, T value) {
  std::array<char, sizeof value> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  out.write(bytes.data(), bytes.size());
}

tl::unexpected<Error> cannot(const char* what, const std::filesystem::path& path) {
  return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(errno)));
}

}  // namespace

PackedCorpus::PackedCorpus(PackedCorpus&& other) noexcept { *this = std::move(other); }

PackedCorpus& PackedCorpus::operator=(PackedCorpus&& other) noexcept {
  std::swap(fd_, other.fd_);
  path_ = std::move(other.path_);
  documents_ = std::move(other.documents_);
  n_text_bytes_ = other.n_text_bytes_;
  return *this;
}

PackedCorpus::~PackedCorpus() {
  if (fd_ >= 0) ::close(fd_);
}

Result<PackedCorpus> PackedCorpus::open(const std::filesystem::path& path) {
  PackedCorpus pack;
  pack.path_ = path;
  pack.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO would wait for a writer
  if (pack.fd_ < 0) return cannot("open", path);
  struct stat status {};
  if (::fstat(pack.fd_, &status) != 0) return cannot("read", path);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::kUnreadable, fmt::format("{}: expected a pack, found no regular file", path.string()));
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
  const auto malformed = [&path](const std::string& what) {
    return fail(ErrorCode::kMalformed, fmt::format("{}: {}", path.string(), what));
  };

  std::array<char, kHeaderBytes> header{};
  if (file_bytes < kHeaderBytes) return malformed(fmt::format("a pack has at least {} bytes, found {}", kHeaderBytes, file_bytes));
  if (!read_at(pack.fd_, 0, header.data(), header.size())) return cannot("read", path);
  if (std::string_view(header.data(), kMagic.size()) != kMagic) return malformed("a pack begins with 'octpack1', found other bytes");
  const auto n_documents = number_at<std::uint64_t>(header.data() + 8);
  const auto index_offset = number_at<std::uint64_t>(header.data() + 16);
  if (index_offset < kHeaderBytes || index_offset > file_bytes) {
    return malformed(fmt::format("index_offset: expected {} to {}, found {}", kHeaderBytes, file_bytes, index_offset));
  }
  std::string index(file_bytes - index_offset, '\0');
  if (n_documents > index.size() / kEntryBytes) {
    return malformed(fmt::format("n_documents: expected at most {}, as many as the index has room for, found {}",
                                 index.size() / kEntryBytes, n_documents));
  }
  if (!read_at(pack.fd_, index_offset, index.data(), index.size())) return cannot("read", path);

  std::size_t at = 0;
  for (std::uint64_t i = 0; i < n_documents; ++i) {
    if (index.size() - at < kEntryBytes) return malformed(fmt::format("document {}: the index ends inside it", i));
    PackedDocument document;
    document.offset = number_at<std::uint64_t>(index.data() + at);
    document.n_bytes = number_at<std::uint32_t>(index.data() + at + 8);
    const auto n_path_bytes = number_at<std::uint32_t>(index.data() + at + 12);
    at += kEntryBytes;
    if (n_path_bytes > kMaxPathBytes || n_path_bytes > index.size() - at) {
      return malformed(fmt::format("document {}: a path of {} bytes does not fit", i, n_path_bytes));
    }
    if (document.n_bytes > kMaxDocumentBytes || document.offset < kHeaderBytes || document.offset > index_offset ||
        document.n_bytes > index_offset - document.offset) {
      return malformed(fmt::format("document {}: {} bytes at {} lie outside the text", i, document.n_bytes, document.offset));
    }
    document.path = index.substr(at, n_path_bytes);
    at += n_path_bytes;
    pack.n_text_bytes_ += document.n_bytes;
    pack.documents_.push_back(std::move(document));
  }
  if (at != index.size()) return malformed(fmt::format("{} bytes behind the index", index.size() - at));
  return pack;
}

Result<std::string> PackedCorpus::text(std::size_t document_idx) const {
  OCTET_CHECK(document_idx < documents_.size());
  const PackedDocument& document = documents_[document_idx];
  std::string text(document.n_bytes, '\0');
  if (!read_at(fd_, document.offset, text.data(), text.size())) return cannot("read", path_);
  return text;
}

PackWriter::PackWriter(PackWriter&& other) noexcept { *this = std::move(other); }

PackWriter& PackWriter::operator=(PackWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(out_, other.out_);
  std::swap(documents_, other.documents_);
  std::swap(end_, other.end_);
  return *this;
}

PackWriter::~PackWriter() {
  if (temporary_.empty()) return;
  out_.close();
  std::error_code error;
  std::filesystem::remove(temporary_, error);
}

Result<PackWriter> PackWriter::create(const std::filesystem::path& path) {
  PackWriter writer;
  writer.path_ = path;
  writer.temporary_ = path;
  writer.temporary_ += ".part";
  writer.out_.open(writer.temporary_, std::ios::binary | std::ios::trunc);
  if (!writer.out_) return cannot("write", writer.temporary_);
  writer.out_ << kMagic;
  put(writer.out_, std::uint64_t{0});  // both are known at the end
  put(writer.out_, std::uint64_t{0});
  writer.end_ = kHeaderBytes;
  return writer;
}

Result<void> PackWriter::add(std::string_view document_path, std::string_view text) {
  OCTET_CHECK(document_path.size() <= kMaxPathBytes && text.size() <= kMaxDocumentBytes);
  out_.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out_) return cannot("write", temporary_);
  documents_.push_back({std::string(document_path), end_, static_cast<std::uint32_t>(text.size())});
  end_ += text.size();
  return {};
}

Result<void> PackWriter::finish() {
  for (const PackedDocument& document : documents_) {
    put(out_, document.offset);
    put(out_, document.n_bytes);
    put(out_, static_cast<std::uint32_t>(document.path.size()));
    out_ << document.path;
  }
  out_.seekp(static_cast<std::streamoff>(kMagic.size()));
  put(out_, static_cast<std::uint64_t>(documents_.size()));
  put(out_, end_);
  out_.close();
  if (!out_ || std::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot("write", path_);
  temporary_.clear();
  return {};
}

}  // namespace octet::bytemodel::training
