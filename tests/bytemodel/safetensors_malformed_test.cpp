// A table of files that break one rule of the safetensors format each: all are refused with the documented code and a message
// that names the file and the tensor or field. Row R1 of the reliability table.
#include <sys/stat.h>

#include <array>
#include <catch2/catch.hpp>
#include <cctype>

#include "bytemodel/json_depth.h"
#include "bytemodel/model_file.h"
#include "bytemodel/safetensors.h"
#include "tests/bytemodel/scratch.h"

namespace octet::tests {
namespace {

using bytemodel::ModelFile;
using bytemodel::SafetensorsFile;
using namespace std::string_literals;

struct Case {
  std::string what;
  std::string bytes;
  std::string says;  // what the message must contain
  ErrorCode code = ErrorCode::kMalformed;
};
using Cases = std::vector<Case>;

constexpr std::array kDTypeNames{"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "U16", "I16", "F16",
                                 "BF16", "U32", "I32", "F32",     "U64",     "I64", "F64"};
constexpr std::array<std::size_t, 15> kDTypeBytes{1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8};

std::string fields(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return R"({"dtype":)" + std::string(dtype) + R"(,"shape":)" + std::string(shape) + R"(,"data_offsets":)" + std::string(offsets) + "}";
}

/// A file whose only tensor is called "weight".
std::string one_tensor(std::string_view dtype, std::string_view shape, std::string_view offsets, std::size_t data_bytes = 8) {
  return file_with_header(R"({"weight":)" + fields(dtype, shape, offsets) + "}", data_bytes);
}

std::string two_tensors(std::string_view first_offsets, std::string_view second_offsets, std::size_t data_bytes) {
  return file_with_header(
      R"({"first":)" + fields(R"("U8")", "[4]", first_offsets) + R"(,"second":)" + fields(R"("U8")", "[4]", second_offsets) + "}",
      data_bytes);
}

Cases framing_cases() {
  Cases cases;
  for (std::size_t n = 0; n < 8; ++n) cases.push_back({std::to_string(n) + " bytes", std::string(n, '{'), "too short"});
  const std::uint64_t top = std::uint64_t{1} << 63;
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{9}, std::uint64_t{1} << 20, std::uint64_t{1} << 31, (std::uint64_t{1} << 32) + 2,
        std::uint64_t{1} << 40, top - 1, top, top + 2, UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX - 6, UINT64_MAX - 1, UINT64_MAX}) {
    cases.push_back(
        {"a header of " + std::to_string(length) + " bytes in a file with 2", little_endian(length) + "{}", std::to_string(length)});
  }
  cases.push_back({"a header of no bytes", little_endian(0), "header"});
  cases.push_back({"a header of no bytes with data behind it", little_endian(0) + "{}", "header"});
  cases.push_back({"a header that is longer than allowed", file_with_header("{}" + std::string(bytemodel::kMaxHeaderBytes - 1, ' ')),
                   std::to_string(bytemodel::kMaxHeaderBytes + 1), ErrorCode::kTooLarge});
  cases.push_back({"a header that ends before its brace", little_endian(1) + "{}", "header"});
  cases.push_back({"data and no tensor", file_with_header("{}", 1), "1 bytes"});
  return cases;
}

Cases json_cases() {
  Cases cases;
  for (const std::string header : {"[]", "\"weight\"", "1", "null", "true", " {}", "\n{}", "\xEF\xBB\xBF{}", "\0{}", "weight"}) {
    cases.push_back({"a header that begins differently: " + header, file_with_header(header), "header"});
  }
  for (const std::string& header : {"{"s,
                                    "{\"weight\""s,
                                    "{\"weight\":"s,
                                    "{]"s,
                                    "{}}"s,
                                    "{},"s,
                                    "{}{}"s,
                                    "{} x"s,
                                    "{}\xFF"s,
                                    "{'a':1}"s,
                                    "{\"a\":1,}"s,
                                    "{a:1}"s,
                                    "{\"a\" 1}"s,
                                    "{\"a\":01}"s,
                                    "{\"a\":1.}"s,
                                    "{\"a\":+1}"s,
                                    "{\"a\":.5}"s,
                                    "{\"a\":1e}"s,
                                    "{\"a\":NaN}"s,
                                    "{\"a\":Infinity}"s,
                                    "{\"a\":1e999}"s,
                                    "{\"a\":\"\\x\"}"s,
                                    "{\"a\":\"\\u12\"}"s,
                                    "{\"a\":\"\\ud800\"}"s,
                                    "{\"a\":\"\\udc00\"}"s,
                                    "{\"a\":\"open}"s,
                                    "{\"a\":\"line\nbreak\"}"s,
                                    "{/*c*/}"s,
                                    "{//c\n}"s,
                                    "{\"a\":tru}"s,
                                    "{\"\xC0\xAF\":1}"s,
                                    "{\"\xFF\":1}"s,
                                    "{\"a\":\"\xED\xA0\x80\"}"s,
                                    "{\"a\":\"\xF5\x80\x80\x80\"}"s,
                                    "{\"a\":\"\xE2\x82\"}"s,
                                    "{\"\x80\":{}}"s,
                                    "{\"a\0\":1}"s,
                                    "{\0}"s}) {
    cases.push_back({"not JSON: " + header, file_with_header(header), "header"});
  }
  return cases;
}

Cases duplicate_cases() {
  const std::string empty = fields(R"("U8")", "[0]", "[0,0]");
  return {{"a tensor twice", file_with_header("{\"weight\":" + empty + ",\"weight\":" + empty + "}"), "'weight'"},
          {"a tensor twice, once escaped", file_with_header("{\"weight\":" + empty + ",\"w\\u0065ight\":" + empty + "}"), "'weight'"},
          {"a tensor twice, far apart", file_with_header("{\"weight\":" + empty + ",\"other\":" + empty + ",\"weight\":" + empty + "}"),
           "'weight'"},
          {"the empty name twice", file_with_header("{\"\":" + empty + ",\"\":" + empty + "}"), "''"},
          {"metadata twice", file_with_header(R"({"__metadata__":{},"__metadata__":{}})"), "'__metadata__'"},
          {"a metadata key twice", file_with_header(R"({"__metadata__":{"config":"a","config":"b"}})"), "'config'"},
          {"dtype twice", file_with_header(R"({"weight":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})"), "'dtype'"},
          {"shape twice", file_with_header(R"({"weight":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})"), "'shape'"},
          {"data_offsets twice", file_with_header(R"({"weight":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"data_offsets":[0,0]}})"),
           "'data_offsets'"},
          {"a duplicate in an ignored depth", file_with_header(R"({"weight":{"dtype":[{"x":1,"x":1}]}})"), "'x'"}};
}

Cases dtype_cases() {
  Cases cases;
  for (const std::string dtype : {R"("F31")", R"("FLOAT32")", R"("C64")", R"("F4")", R"("F8")", R"("BF32")", R"("")", R"(" F32")",
                                  R"("F32 ")", R"("F32\u0000")", "32", "4.0", "null", "true", "[]", R"(["F32"])", "{}", R"({"F32":1})"}) {
    cases.push_back({"dtype " + dtype, one_tensor(dtype, "[2]", "[0,8]"), "'weight': unknown dtype"});
  }
  cases.push_back({"a very long dtype", one_tensor("\"" + std::string(100000, 'F') + "\"", "[2]", "[0,8]"), "'weight': unknown dtype"});
  for (const std::string name : kDTypeNames) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    cases.push_back(
        {"lower-case " + lower, one_tensor("\"" + lower + "\"", "[0]", "[0,0]", 0), "'weight': unknown dtype \"" + lower + "\""});
  }
  return cases;
}

Cases shape_cases() {
  Cases cases;
  for (const std::string shape :
       {"[-1]", "[2,-1]", "[-0]", "[-9223372036854775808]", "[2.0]", "[2.5]", "[1e1]", R"(["2"])", "[null]", "[true]", "[[2]]", "[{}]",
        "[9223372036854775808]", "[18446744073709551615]", "[18446744073709551616]", "[1e30]"}) {
    cases.push_back({"shape " + shape, one_tensor(R"("F32")", shape, "[0,8]"), "'weight': shape"});
  }
  for (const std::string shape : {"2", R"("2")", "null", "{}", R"({"0":2})", "true", "2.0"}) {
    cases.push_back({"shape " + shape, one_tensor(R"("F32")", shape, "[0,8]"), "'weight': shape"});
  }
  for (const std::string shape : {"[1,1,1,1,1,1,1,1,2]", "[0,0,0,0,0,0,0,0,0,0]"}) {
    cases.push_back({"too many dimensions " + shape, one_tensor(R"("F32")", shape, "[0,8]"), "'weight'"});
  }
  std::string many = "[1";
  for (int i = 0; i < 100000; ++i) many += ",1";
  cases.push_back({"100001 dimensions", one_tensor(R"("U8")", many + "]", "[0,1]", 1), "100001 dimensions"});
  // Each product wraps around to what the offsets give, or close to it.
  for (const std::string shape :
       {"[4611686018427387904]", "[4611686018427387906]", "[4294967296,4294967296]", "[9223372036854775807,9223372036854775807]",
        "[3037000500,3037000500,3037000500]", "[2305843009213693952,4]", "[65536,65536,65536,65536,2]", "[4294967298,1073741825,4]"}) {
    cases.push_back({"overflowing " + shape, one_tensor(R"("F32")", shape, "[0,8]"), "'weight': shape"});
  }
  return cases;
}

Cases offset_cases() {
  Cases cases;
  for (const std::string offsets : {"[-1,8]",
                                    "[0,-8]",
                                    "[-8,0]",
                                    "[8,0]",
                                    "[1,0]",
                                    "[0]",
                                    "[]",
                                    "[0,8,8]",
                                    "[0,4,4,8]",
                                    "[0.0,8.0]",
                                    "[0,8.0]",
                                    "[0,8e0]",
                                    R"(["0","8"])",
                                    "[null,8]",
                                    "[0,null]",
                                    "[[0,8]]",
                                    "[[0],[8]]",
                                    "8",
                                    "null",
                                    R"("0,8")",
                                    R"({"0":0,"1":8})",
                                    "true",
                                    "[false,true]",
                                    "[0,9223372036854775808]",
                                    "[0,18446744073709551615]",
                                    "[0,18446744073709551624]",
                                    "[18446744073709551608,8]",
                                    "[9223372036854775808,9223372036854775816]"}) {
    cases.push_back({"data_offsets " + offsets, one_tensor(R"("F32")", "[2]", offsets), "'weight': data_offsets"});
  }
  for (const std::string offsets : {"[0,9]", "[1,9]", "[8,16]", "[0,16]", "[9,9]", "[4294967296,4294967304]",
                                    "[9223372036854775799,9223372036854775807]", "[0,9223372036854775807]"}) {
    cases.push_back({"offsets beyond the end " + offsets, one_tensor(R"("F32")", "[2]", offsets), "'weight': ends at byte"});
  }
  for (std::size_t i = 0; i < kDTypeNames.size(); ++i) {
    const std::string dtype = "\""s + kDTypeNames[i] + "\"";
    for (const std::size_t n_bytes : {3 * kDTypeBytes[i] - 1, 3 * kDTypeBytes[i] + 1}) {
      const std::string offsets = "[0," + std::to_string(n_bytes) + "]";
      cases.push_back(
          {dtype + " [3] in " + offsets, one_tensor(dtype, "[3]", offsets, n_bytes), "'weight': shape [3] of "s + kDTypeNames[i]});
    }
  }
  for (const std::string shape : {"[]", "[0]", "[1]", "[3]", "[2,2]", "[2,0]", "[1,1,1]"}) {
    cases.push_back({"shape " + shape + " of 8 bytes", one_tensor(R"("F32")", shape, "[0,8]"),
                     "'weight': shape " + (shape == "[2,2]" ? "[2, 2]" : shape.substr(0, 2))});
  }
  return cases;
}

Cases layout_cases() {
  return {
      {"the first tensor is not at 0", one_tensor(R"("U8")", "[4]", "[4,8]"), "'weight'"},
      {"a hole of one byte in front", one_tensor(R"("U8")", "[7]", "[1,8]"), "'weight'"},
      {"bytes behind the last tensor", one_tensor(R"("U8")", "[4]", "[0,4]"), "4 bytes"},
      {"one byte behind the last tensor", one_tensor(R"("U8")", "[7]", "[0,7]"), "1 bytes"},
      {"a hole", two_tensors("[0,4]", "[5,9]", 9), "'second'"},
      {"a hole, order reversed", two_tensors("[8,12]", "[0,4]", 12), "'first'"},
      {"an overlap by one byte", two_tensors("[0,4]", "[3,7]", 7), "'second'"},
      {"an overlap by all", two_tensors("[0,4]", "[0,4]", 4), "tensor '"},
      {"an overlap that hides a hole", two_tensors("[0,4]", "[0,4]", 8), "tensor '"},
      {"a tensor inside another",
       file_with_header(R"({"outer":)" + fields(R"("U8")", "[8]", "[0,8]") + R"(,"inner":)" + fields(R"("U8")", "[2]", "[2,4]") + "}", 8),
       "'inner'"},
      {"an empty tensor inside another",
       file_with_header(R"({"outer":)" + fields(R"("U8")", "[8]", "[0,8]") + R"(,"inner":)" + fields(R"("U8")", "[0]", "[4,4]") + "}", 8),
       "'inner'"},
      {"an empty tensor away from the start", one_tensor(R"("U8")", "[0]", "[4,4]"), "'weight'"}};
}

Cases field_cases() {
  Cases cases = {
      {"no dtype", file_with_header(R"({"weight":{"shape":[2],"data_offsets":[0,8]}})", 8), "'weight': dtype"},
      {"no shape", file_with_header(R"({"weight":{"dtype":"F32","data_offsets":[0,8]}})", 8), "'weight': shape"},
      {"no data_offsets", file_with_header(R"({"weight":{"dtype":"F32","shape":[2]}})", 8), "'weight': data_offsets"},
      {"an empty tensor entry", file_with_header(R"({"weight":{}})"), "'weight'"},
      {"a fourth field", file_with_header(R"({"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8), "'weight': fields"},
      {"a misspelt field", file_with_header(R"({"weight":{"dtype":"F32","shape":[2],"offsets":[0,8]}})", 8), "'weight': data_offsets"},
      {"a field in capitals", file_with_header(R"({"weight":{"DTYPE":"F32","shape":[2],"data_offsets":[0,8]}})", 8), "'weight': dtype"}};
  for (const std::string entry : {"1", "null", R"("F32")", "[]", "true", R"([{"dtype":"F32"}])", "0.5"}) {
    cases.push_back({"the tensor is " + entry, file_with_header(R"({"weight":)" + entry + "}"), "'weight'"});
  }
  for (const std::string value : {"1", "null", R"("text")", "[]", "true"}) {
    cases.push_back({"__metadata__ is " + value, file_with_header(R"({"__metadata__":)" + value + "}"), "__metadata__"});
  }
  for (const std::string value : {"1", "null", "[]", "{}", "true", "1.5", R"(["text"])"}) {
    cases.push_back(
        {"a metadata value is " + value, file_with_header(R"({"__metadata__":{"config":)" + value + "}}"), "__metadata__.config"});
  }
  return cases;
}

Cases depth_cases() {
  Cases cases;
  for (const std::size_t depth :
       {std::size_t{65}, std::size_t{66}, std::size_t{128}, std::size_t{10000}, std::size_t{100000}, std::size_t{500000}}) {
    // The header and the tensor's entry are the first two levels.
    const std::string open(depth - 2, '[');
    const std::string close(depth - 2, ']');
    cases.push_back(
        {std::to_string(depth) + " levels", file_with_header(R"({"weight":{"dtype":)" + open + close + "}}"), "deeper than 64"});
    cases.push_back({std::to_string(depth) + " levels never closed", file_with_header(R"({"weight":{"dtype":)" + open), "deeper than 64"});
  }
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += R"({"a":)";
  cases.push_back({"100000 objects", file_with_header(objects), "deeper than 64"});
  cases.push_back({"deep metadata", file_with_header(R"({"__metadata__":{"config":)" + std::string(63, '[') + std::string(63, ']') + "}}"),
                   "deeper than 64"});
  cases.push_back(
      {"64 levels pass the guard and fail the type",
       file_with_header(R"({"weight":{"shape":[0],"data_offsets":[0,0],"dtype":)" + std::string(62, '[') + std::string(62, ']') + "}}"),
       "'weight': unknown dtype"});
  return cases;
}

void check_error(const Error& error, const std::filesystem::path& path, ErrorCode code, const std::string& says) {
  CHECK(static_cast<int>(error.code) == static_cast<int>(code));
  CHECK_THAT(error.message, Catch::StartsWith(path.string() + ": ") && Catch::Contains(says));
  CHECK(error.message.size() < 1000);  // a message quotes the file, it does not copy it
}

std::size_t check_all_refused(const Cases& cases) {
  const ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  for (const Case& c : cases) {
    CAPTURE(c.what.substr(0, 200));
    write_file(path, c.bytes);
    const auto file = SafetensorsFile::read(path);
    const auto model = ModelFile::read(path);
    CHECK_FALSE(file.has_value());
    CHECK_FALSE(model.has_value());
    if (!file) check_error(file.error(), path, c.code, c.says);
    if (!model) check_error(model.error(), path, c.code, c.says);
  }
  return cases.size();
}

}  // namespace

TEST_CASE("a safetensors file that breaks a rule is refused with an error that names the file and the place") {
  std::size_t n_cases = 0;
  for (const auto& cases : {framing_cases(), json_cases(), duplicate_cases(), dtype_cases(), shape_cases(), offset_cases(), layout_cases(),
                            field_cases(), depth_cases()}) {
    n_cases += check_all_refused(cases);
  }
  CHECK(n_cases >= 200);
}

TEST_CASE("bytes behind a NUL in the header are not ignored") {
  check_all_refused({{"a NUL behind the object", file_with_header("{}\0"s), "header"},
                     {"padding of NUL bytes", file_with_header("{}"s + std::string(6, '\0')), "header"},
                     {"text behind a NUL", file_with_header("{}\0 this is no JSON"s), "header"},
                     {"a second header behind a NUL", file_with_header("{}\0{\"weight\":1}"s), "header"}});
}

TEST_CASE("what is no regular file is refused without waiting for it") {
  const ScratchFolder folder;
  const auto check_refused = [](const std::filesystem::path& path, ErrorCode code) {
    CAPTURE(path);
    const auto file = SafetensorsFile::read(path);
    REQUIRE_FALSE(file.has_value());
    check_error(file.error(), path, code, "");
    const auto model = ModelFile::read(path);
    REQUIRE_FALSE(model.has_value());
    check_error(model.error(), path, code, "");
  };
  check_refused(folder / "missing", ErrorCode::kNotFound);
  check_refused(folder / "no/such/folder/model", ErrorCode::kNotFound);
  check_refused("", ErrorCode::kNotFound);
  check_refused(folder.path(), ErrorCode::kUnreadable);
  check_refused("/dev/null", ErrorCode::kUnreadable);
  check_refused("/dev/zero", ErrorCode::kUnreadable);

  // Opening a FIFO that nobody writes to would block for ever.
  const auto fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  check_refused(fifo, ErrorCode::kUnreadable);

  write_file(folder / "file", "text");
  check_refused(folder / "file/model", ErrorCode::kNotFound);
  std::filesystem::create_symlink(folder / "nowhere", folder / "dangling");
  check_refused(folder / "dangling", ErrorCode::kNotFound);
  std::filesystem::create_symlink(folder / "loop", folder / "loop");
  CHECK_FALSE(SafetensorsFile::read(folder / "loop").has_value());
}

TEST_CASE("files at the edge of the rules are read") {
  const ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  const auto read = [&](const std::string& bytes) {
    write_file(path, bytes);
    auto file = SafetensorsFile::read(path);
    INFO((file ? std::string("read") : file.error().message));
    REQUIRE(file.has_value());
    CHECK(file->file_bytes() == bytes.size());
    return std::move(*file);
  };
  CHECK(read(file_with_header("{}")).tensors().empty());
  CHECK(read(file_with_header("{}" + std::string(bytemodel::kMaxHeaderBytes - 2, ' '))).tensors().empty());
  CHECK(read(file_with_header(R"({"__metadata__":{}})")).metadata().empty());
  CHECK(read(file_with_header(R"({"__metadata__":{"":"","[[[":"}"}})")).metadata().size() == 2);
  CHECK(read(one_tensor(R"("F32")", "[]", "[0,4]", 4)).find("weight")->shape.empty());
  CHECK(read(one_tensor(R"("F32")", "[1,1,1,1,1,1,1,2]", "[0,8]")).find("weight")->shape.size() == 8);
  CHECK(read(one_tensor(R"("F32")", "[0]", "[0,0]", 0)).find("weight")->data.empty());
  CHECK(read(one_tensor(R"("F32")", "[0,9223372036854775807]", "[0,0]", 0)).find("weight")->data.empty());
  const SafetensorsFile swapped = read(two_tensors("[4,8]", "[0,4]", 8));
  CHECK(swapped.tensors()[0].name == "second");
  CHECK(swapped.tensors()[1].name == "first");
  for (std::size_t i = 0; i < kDTypeNames.size(); ++i) {
    const std::size_t n_bytes = 3 * kDTypeBytes[i];
    const auto file = read(one_tensor("\""s + kDTypeNames[i] + "\"", "[3]", "[0," + std::to_string(n_bytes) + "]", n_bytes));
    CHECK(bytemodel::name(file.find("weight")->dtype) == kDTypeNames[i]);
    CHECK(file.find("weight")->data.size() == n_bytes);
  }
  CHECK(read(one_tensor(R"("U8")", "[0]", "[0,0]", 0)).find("other") == nullptr);
}

}  // namespace octet::tests
