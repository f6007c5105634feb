// What is written can be read back bit for bit, and a write that fails leaves no trace: neither a temporary file nor a
// change to what was there.
#include "bytemodel/model_writer.h"

#include <rapidcheck.h>
#include <sys/resource.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <span>

#include "bytemodel/model_file.h"
#include "bytemodel/safetensors.h"
#include "tests/bytemodel/scratch.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using bytemodel::DType;
using bytemodel::HeadKind;
using bytemodel::ModelFile;
using bytemodel::SafetensorsFile;
using bytemodel::TensorView;
using bytemodel::write_safetensors;

constexpr int kDTypes = static_cast<int>(DType::kF64) + 1;

std::vector<TensorView> views(const std::vector<OwnedTensor>& tensors) {
  std::vector<TensorView> out;
  for (const OwnedTensor& t : tensors) out.push_back({t.name, t.dtype, t.shape, std::as_bytes(std::span(t.data))});
  return out;
}

std::string bytes_of(const TensorView& tensor) { return {reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()}; }

/// Valid UTF-8 with whatever could upset JSON.
rc::Gen<std::string> texts() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
                          "a", "B", ".", "_", "7", "\"", "\\", "/",  "\n",   "\t",     std::string(1, '\0'), "\x7F", "\x1F", "{",
                          "}", "[", "]", ":", ",", " ",  "é",  "日", "🙂", "\\u0041"})),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const std::string& part : parts) text += part;
                        return text;
                      });
}

rc::Gen<OwnedTensor> tensors() {
  return rc::gen::exec([] {
    OwnedTensor t;
    t.name = *texts();
    t.dtype = static_cast<DType>(*rc::gen::inRange(0, kDTypes));
    t.shape = *rc::gen::container<std::vector<std::int64_t>>(*rc::gen::inRange<std::size_t>(0, 5), rc::gen::inRange<std::int64_t>(0, 5));
    t.data = *rc::gen::container<std::string>(shape_bytes(t.shape, t.dtype), rc::gen::arbitrary<char>());
    return t;
  });
}

std::string sha256sum(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(("sha256sum '" + path.string() + "'").c_str(), "r"), &::pclose);
  std::array<char, 65> digest{};
  if (!pipe || std::fread(digest.data(), 1, 64, pipe.get()) != 64) return "sha256sum did not answer";
  return digest.data();
}

/// While it lives, no file of this process grows beyond `n_bytes`: a disk that is full for it alone.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t n_bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{n_bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

const std::vector<OwnedTensor> kOneTensor = {{"weight", DType::kF32, {2}, "12345678"}};

}  // namespace

TEST_CASE("tensors, names and metadata come back as they were written") {
  const ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  CHECK(rc::check("read(write(x)) == x", [&] {
    const auto written = *rc::gen::uniqueBy<std::vector<OwnedTensor>>(tensors(), [](const OwnedTensor& t) { return t.name; });
    const auto metadata = *rc::gen::container<std::map<std::string, std::string>>(texts(), texts());
    const auto result = write_safetensors(path, views(written), metadata);
    if (!result) RC_FAIL(result.error().message);
    const auto file = SafetensorsFile::read(path);
    if (!file) RC_FAIL(file.error().message);
    RC_ASSERT(file->metadata() == metadata);
    RC_ASSERT(file->tensors().size() == written.size());
    RC_ASSERT(file->file_bytes() == std::filesystem::file_size(path));
    RC_ASSERT(static_cast<unsigned char>(read_file(path)[0]) % 8 == 0);
    std::string all;
    for (const OwnedTensor& t : written) {
      const TensorView* found = file->find(t.name);
      RC_ASSERT(found != nullptr);
      RC_ASSERT(found->dtype == t.dtype);
      RC_ASSERT(found->shape == t.shape);
      RC_ASSERT(bytes_of(*found) == t.data);
      all += t.data;
    }
    // The order of the data is the order given.
    RC_ASSERT(read_file(path).ends_with(all));
    RC_ASSERT(folder.n_entries() == 1U);
  }));
}

TEST_CASE("a shipped model that is written again keeps every byte of every tensor") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  const ScratchFolder folder;
  const auto path = folder / "again.safetensors";
  const ModelFile model = load_model(name);
  REQUIRE(bytemodel::write_model(path, model.file().tensors(), model.config(), "again").has_value());
  const auto again = ModelFile::read(path);
  REQUIRE(again.has_value());
  CHECK(again->name() == "again");
  CHECK(again->config() == model.config());
  REQUIRE(again->file().tensors().size() == model.file().tensors().size());
  for (std::size_t i = 0; i < model.file().tensors().size(); ++i) {
    const TensorView& before = model.file().tensors()[i];
    const TensorView& after = again->file().tensors()[i];
    CHECK(after.name == before.name);
    CHECK(after.shape == before.shape);
    CHECK(std::ranges::equal(after.data, before.data));
  }
}

TEST_CASE("writing over a file replaces all of it, and readers of the old one keep theirs") {
  const ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  write_file(path, std::string(100000, 'o'));
  std::ifstream reader(path, std::ios::binary);
  REQUIRE(write_safetensors(path, views(kOneTensor), {}).has_value());
  CHECK(SafetensorsFile::read(path).has_value());
  CHECK(std::string(std::istreambuf_iterator<char>(reader), {}) == std::string(100000, 'o'));
  CHECK(folder.n_entries() == 1);
  using std::filesystem::perms;
  CHECK((std::filesystem::status(path).permissions() & perms::all) ==
        (perms::owner_read | perms::owner_write | perms::group_read | perms::others_read));
}

TEST_CASE("a path without a folder is a file of the current folder") {
  const ScratchFolder folder;
  const auto old = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const auto result = write_safetensors("plain.safetensors", views(kOneTensor), {});
  std::filesystem::current_path(old);
  CHECK(result.has_value());
  CHECK(SafetensorsFile::read(folder / "plain.safetensors").has_value());
}

TEST_CASE("a target that cannot be written gives an error that names it and leaves nothing behind") {
  const ScratchFolder folder;
  write_file(folder / "file", "old");
  std::filesystem::create_directory(folder / "folder");
  const auto check_fails = [&](const std::filesystem::path& path) {
    CAPTURE(path);
    const auto result = write_safetensors(path, views(kOneTensor), {});
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::kUnreadable);
    CHECK_THAT(result.error().message, Catch::StartsWith(path.string() + ": cannot write: "));
    CHECK_THAT(result.error().message, !Catch::Contains("Success"));
  };
  check_fails(folder / "no/such/model.safetensors");
  check_fails(folder / "file/model.safetensors");
  check_fails(folder / "folder");  // the temporary file is whole by then, and only its new name is refused
  check_fails("/proc/model.safetensors");
  check_fails(folder / std::string(300, 'n'));
  check_fails("");
  CHECK(folder.n_entries() == 2);
  CHECK(std::filesystem::is_empty(folder / "folder"));
  CHECK(read_file(folder / "file") == "old");
}

TEST_CASE("a disk that fills up while writing leaves the old file whole") {
  const ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  REQUIRE(write_safetensors(path, views(kOneTensor), {{"name", "old"}}).has_value());
  const std::string old = read_file(path);
  const std::vector<OwnedTensor> large = {{"first", DType::kU8, {5000}, std::string(5000, '1')},
                                          {"second", DType::kU8, {5000}, std::string(5000, '2')}};
  // In the length, in the header, between header and data, in the first tensor, in the second, at the last byte.
  const std::size_t whole = [&] {
    REQUIRE(write_safetensors(folder / "size", views(large), {}).has_value());
    const auto size = static_cast<std::size_t>(std::filesystem::file_size(folder / "size"));
    std::filesystem::remove(folder / "size");
    return size;
  }();
  for (const std::size_t limit :
       {std::size_t{0}, std::size_t{4}, std::size_t{8}, std::size_t{50}, whole - 10000, whole - 9999, whole - 5000, whole - 1}) {
    CAPTURE(limit);
    Result<void> result;
    {
      const FileSizeLimit full_disk(limit);
      result = write_safetensors(path, views(large), {});
    }
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::kUnreadable);
    CHECK_THAT(result.error().message, Catch::Contains("File too large"));
    CHECK(read_file(path) == old);
    CHECK(folder.n_entries() == 1);
  }
}

TEST_CASE("the checksum of a file is the one that sha256sum prints") {
  const ScratchFolder folder;
  const auto check_checksum = [](const std::filesystem::path& path) {
    CAPTURE(path);
    const auto file = SafetensorsFile::read(path);
    REQUIRE(file.has_value());
    CHECK(file->sha256() == sha256sum(path));
  };
  for (const char* name : {"seed", "tiny-linear", "tiny-transformer"}) check_checksum(model_path(name));
  write_file(folder / "empty", file_with_header("{}"));
  check_checksum(folder / "empty");
  write_file(folder / "padded", file_with_header("{}" + std::string(70000, ' ')));
  check_checksum(folder / "padded");
}

}  // namespace octet::tests
