#include "bytemodel/training/corpus/packed_corpus.h"

#include <cstring>

#include <sys/stat.h>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "tests/training/corpus/packages.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;

using Documents = std::vector<std::pair<std::string, std::string>>;  // path, text

Result<void> write_pack(const std::filesystem::path& path, const Documents& documents) {
  Result<PackWriter> writer = PackWriter::create(path);
  if (!writer) return tl::unexpected(writer.error());
  for (const auto& [name, text] : documents) {
    if (const Result<void> added = writer->add(name, text); !added) return added;
  }
  return writer->finish();
}

Documents read_pack(const PackedCorpus& pack) {
  Documents out;
  for (std::size_t i = 0; i < pack.documents().size(); ++i) out.emplace_back(pack.documents()[i].path, pack.text(i).value());
  return out;
}

std::string u32(std::uint32_t value) { return little_endian(value).substr(0, 4); }

/// A pack put together by hand: two documents, "ab" of path "p" and "cde" of path "q/r".
std::string by_hand() {
  return "octpack1" + little_endian(2) + little_endian(29) + "abcde" + little_endian(24) + u32(2) + u32(1) + "p" + little_endian(26) +
         u32(3) + u32(3) + "q/r";
}

TEST_CASE("What is written into a pack is read from it") {
  const ScratchFolder folder;
  CHECK(rc::check([&folder] {
    const auto documents = *rc::gen::arbitrary<Documents>();
    RC_ASSERT(write_pack(folder / "a.pack", documents));
    const auto pack = PackedCorpus::open(folder / "a.pack");
    RC_ASSERT(pack);
    RC_ASSERT(read_pack(*pack) == documents);
    std::size_t n_bytes = 0;
    for (const auto& [path, text] : documents) n_bytes += text.size();
    RC_ASSERT(pack->n_text_bytes() == n_bytes);
  }));
  CHECK(folder.n_entries() == 1);
}

TEST_CASE("The bytes of a pack are those of the format") {
  const ScratchFolder folder;
  REQUIRE(write_pack(folder / "a.pack", {{"p", "ab"}, {"q/r", "cde"}}));
  CHECK(read_file(folder / "a.pack") == by_hand());
}

TEST_CASE("The longest document and path fit") {
  const ScratchFolder folder;
  const Documents documents{{std::string(kMaxPathBytes, 'p'), std::string(kMaxDocumentBytes, 't')}, {"", ""}};
  REQUIRE(write_pack(folder / "a.pack", documents));
  CHECK(read_pack(PackedCorpus::open(folder / "a.pack").value()) == documents);
}

TEST_CASE("A pack that was cut or that goes on is malformed, wherever it was cut") {
  const ScratchFolder folder;
  const std::string whole = by_hand();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n);
    write_file(folder / "a.pack", whole.substr(0, n));
    const auto pack = PackedCorpus::open(folder / "a.pack");
    REQUIRE_FALSE(pack);
    CHECK(pack.error().code == ErrorCode::kMalformed);
    CHECK(pack.error().message.starts_with((folder / "a.pack").string()));
  }
  write_file(folder / "a.pack", whole + "x");
  CHECK(PackedCorpus::open(folder / "a.pack").error().message.ends_with("1 bytes behind the index"));
}

TEST_CASE("Numbers that lead out of the file are malformed") {
  const ScratchFolder folder;
  const auto message = [&folder](std::size_t at, const std::string& bytes) {
    std::string damaged = by_hand();
    damaged.replace(at, bytes.size(), bytes);
    write_file(folder / "a.pack", damaged);
    const auto pack = PackedCorpus::open(folder / "a.pack");
    REQUIRE_FALSE(pack);
    CHECK(pack.error().code == ErrorCode::kMalformed);
    return pack.error().message;
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  CHECK_THAT(message(0, "octpack2"), Catch::Contains("begins with 'octpack1'"));
  for (const std::uint64_t n : {std::uint64_t{3}, std::uint64_t{1} << 60, huge})
    CHECK_THAT(message(8, little_endian(n)), Catch::Contains("n_documents"));
  CHECK_THAT(message(8, little_endian(1)), Catch::Contains("behind the index"));
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{23}, std::uint64_t{1000}, huge})
    CHECK_THAT(message(16, little_endian(offset)), Catch::Contains("index_offset"));
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{23}, std::uint64_t{28}, huge - 1, huge})
    CHECK_THAT(message(29, little_endian(offset)), Catch::Contains("document 0"));
  for (const std::uint32_t n : {std::uint32_t{6}, kMaxDocumentBytes + 1, ~std::uint32_t{0}})
    CHECK_THAT(message(37, u32(n)), Catch::Contains("document 0"));
  for (const std::uint32_t n : {std::uint32_t{30}, kMaxPathBytes + 1, ~std::uint32_t{0}})
    CHECK_THAT(message(41, u32(n)), Catch::Contains("document 0"));
}

TEST_CASE("A pack with any byte changed opens with an error or with documents inside the file") {
  const ScratchFolder folder;
  for (std::size_t at = 0; at < by_hand().size(); ++at) {
    for (const int change : {1, 0x10, 0x80, 0xFF}) {
      std::string damaged = by_hand();
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      write_file(folder / "a.pack", damaged);
      const auto pack = PackedCorpus::open(folder / "a.pack");
      if (!pack) continue;
      for (std::size_t i = 0; i < pack->documents().size(); ++i) CHECK(pack->text(i));
    }
  }
}

TEST_CASE("A pack that is not there, no file, or cut after it was opened, cannot be read") {
  const ScratchFolder folder;
  CHECK(PackedCorpus::open(folder / "none.pack").error().code == ErrorCode::kUnreadable);
  CHECK(PackedCorpus::open(folder.path()).error().message.ends_with("found no regular file"));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(PackedCorpus::open(folder / "fifo").error().code == ErrorCode::kUnreadable);

  write_file(folder / "a.pack", by_hand());
  const PackedCorpus pack = PackedCorpus::open(folder / "a.pack").value();
  std::filesystem::resize_file(folder / "a.pack", 27);
  CHECK(pack.text(0).value() == "ab");
  const auto cut = pack.text(1);
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code == ErrorCode::kUnreadable);
  CHECK(cut.error().message.find("Success") == std::string::npos);
}

TEST_CASE("A pack moves with its file") {
  const ScratchFolder folder;
  write_file(folder / "a.pack", by_hand());
  PackedCorpus pack = PackedCorpus::open(folder / "a.pack").value();
  PackedCorpus other = std::move(pack);
  std::vector<PackedCorpus> packs;
  packs.push_back(std::move(other));
  packs.push_back(PackedCorpus::open(folder / "a.pack").value());
  packs.erase(packs.begin());
  CHECK(packs[0].text(1).value() == "cde");
}

TEST_CASE("A writer that does not finish leaves what was there") {
  const ScratchFolder folder;
  write_file(folder / "a.pack", by_hand());
  {
    PackWriter writer = PackWriter::create(folder / "a.pack").value();
    REQUIRE(writer.add("x", "text"));
  }
  CHECK(read_file(folder / "a.pack") == by_hand());
  CHECK(folder.n_entries() == 1);
}

TEST_CASE("A pack that cannot be written is an error with the system's reason, and no file") {
  const ScratchFolder folder;
  const auto missing = PackWriter::create(folder / "none" / "a.pack");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::kUnreadable);
  CHECK(missing.error().message.ends_with("No such file or directory"));

  // Full at the text, at the index, and at the very last byte of it.
  const Documents documents(50, {std::string(100, 'p'), std::string(4000, 't')});
  const std::size_t n_bytes = 24 + 50 * (4000 + 16 + 100);
  for (const std::size_t limit : {std::size_t{10}, std::size_t{100000}, std::size_t{24 + 50 * 4000 + 20}, n_bytes - 1}) {
    INFO(limit);
    Result<void> written;
    {
      const LimitGuard guard(RLIMIT_FSIZE, limit);
      written = write_pack(folder / "a.pack", documents);
    }
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::kUnreadable);
    CHECK(written.error().message.ends_with(std::strerror(EFBIG)));
    CHECK(folder.n_entries() == 0);
  }
  const LimitGuard guard(RLIMIT_FSIZE, n_bytes);
  CHECK(write_pack(folder / "a.pack", documents));
}

}  // namespace
}  // namespace octet::tests
