#include "engine/memory/path_rules.h"

#include <algorithm>
#include <functional>
#include <string>

#include "engine/memory/utf8_text.h"

namespace octet::engine {
namespace {

constexpr std::string_view kSecretFolders[] = {".aws",  ".azure", ".docker", ".gcloud",         ".gnupg",
                                               ".kube", ".oci",   ".ssh",    ".password-store", ".pki"};
constexpr std::string_view kSecretNames[] = {".boto",      ".dockercfg",  ".git-credentials", ".htpasswd", ".kubeconfig", ".my.cnf",
                                             ".netrc",     ".npmrc",      ".pgpass",          ".pypirc",   ".s3cfg",      ".vault-token",
                                             "_netrc",     "credentials", "secrets",          "secret",    ".vault_pass", ".cargo-token",
                                             "kubeconfig", "master.key",  ".yarnrc.yml"};
constexpr std::string_view kSecretEndings[] = {".env",  ".pem", ".key",     ".p12", ".pfx",   ".jks",    ".keystore",
                                               ".kdbx", ".ppk", ".tfstate", ".p8",  ".jceks", ".tfvars", ".kdb"};
constexpr std::string_view kSecretBeginnings[] = {".env", "id_", "client_secret", "service-account", "service_account"};
constexpr std::string_view kCopyEndings[] = {"~", "#", ".bak", ".backup", ".copy", ".old", ".orig", ".save", ".swo", ".swp", ".tmp"};
constexpr std::string_view kDataEndings[] = {"csv", "enc", "env", "ini", "json", "properties", "toml", "txt", "xml", "yaml", "yml"};

// Sorted, which a static_assert below holds. Exact names: lib/Target or Vendor/ may well hold what a person wrote.
constexpr std::string_view kForeignFolders[] = {".angular",
                                                ".build",
                                                ".bundle",
                                                ".bzr",
                                                ".cache",
                                                ".cargo",
                                                ".ccache",
                                                ".dart_tool",
                                                ".devenv",
                                                ".direnv",
                                                ".eggs",
                                                ".git",
                                                ".gradle",
                                                ".hg",
                                                ".hypothesis",
                                                ".idea",
                                                ".ipynb_checkpoints",
                                                ".jj",
                                                ".m2",
                                                ".mypy_cache",
                                                ".next",
                                                ".nox",
                                                ".npm",
                                                ".nuxt",
                                                ".nyc_output",
                                                ".parcel-cache",
                                                ".pnpm-store",
                                                ".pytest_cache",
                                                ".ruff_cache",
                                                ".rustup",
                                                ".sl",
                                                ".stack-work",
                                                ".svelte-kit",
                                                ".svn",
                                                ".terraform",
                                                ".tox",
                                                ".turbo",
                                                ".venv",
                                                ".vs",
                                                ".vscode-test",
                                                ".yarn",
                                                ".zig-cache",
                                                "CVS",
                                                "Carthage",
                                                "DerivedData",
                                                "Pods",
                                                "__pycache__",
                                                "_build",
                                                "bower_components",
                                                "build",
                                                "coverage",
                                                "dist",
                                                "dist-newstyle",
                                                "htmlcov",
                                                "jspm_packages",
                                                "lost+found",
                                                "node_modules",
                                                "out",
                                                "site-packages",
                                                "target",
                                                "third-party",
                                                "third_party",
                                                "thirdparty",
                                                "vendor",
                                                "vendored",
                                                "venv",
                                                "zig-cache",
                                                "zig-out"};

constexpr std::string_view kForeignNames[] = {".ds_store",
                                              ".pnp.cjs",
                                              "bun.lockb",
                                              "cartfile.resolved",
                                              "go.sum",
                                              "go.work.sum",
                                              "gradle.lockfile",
                                              "npm-shrinkwrap.json",
                                              "package-lock.json",
                                              "package.resolved",
                                              "packages.lock.json",
                                              "pnpm-lock.yaml",
                                              "tags",
                                              "thumbs.db"};
constexpr std::string_view kForeignEndings[] = {".bundle.js", ".chunk.js", ".designer.cs", ".freezed.dart", ".g.dart", ".lock.hcl",
                                                ".min.css",   ".min.html", ".min.js",      ".min.mjs",      ".pb.cc",  ".pb.go",
                                                ".pb.h",      "_pb2.py",   "_pb2.pyi",     "_pb2_grpc.py"};

/// The last ending of a name: formats that are no text, and text that holds data, output or other tools' files.
constexpr std::string_view kForeignFormats[] = {
    "3gp",  "7z",    "a",    "aab",         "aac",    "age",    "ai",      "aif",  "aiff",   "apk",     "ar",      "arrow", "asc",
    "avi",  "avif",  "avro", "bin",         "blend",  "bmp",    "br",      "bson", "bz2",    "cab",     "ckpt",    "class", "coff",
    "com",  "core",  "cpio", "crdownload",  "crt",    "csv",    "cur",     "dat",  "db",     "db3",     "deb",     "der",   "dex",
    "dll",  "dmg",   "doc",  "docx",        "dylib",  "ear",    "eot",     "epub", "exe",    "fbx",     "feather", "flac",  "flv",
    "gcda", "gcno",  "gguf", "gif",         "glb",    "gpg",    "gz",      "h5",   "har",    "hdf5",    "heic",    "hprof", "icns",
    "ico",  "idb",   "idx",  "img",         "ipynb",  "iso",    "jar",     "jpeg", "jpg",    "jsonl",   "jxl",     "ko",    "lib",
    "lock", "log",   "lz4",  "lzma",        "m4a",    "m4v",    "map",     "mdb",  "mid",    "mkv",     "mo",      "mov",   "mp3",
    "mp4",  "mpeg",  "mpg",  "msi",         "ndjson", "node",   "npy",     "npz",  "o",      "obj",     "odp",     "ods",   "odt",
    "ogg",  "onnx",  "opus", "orc",         "otf",    "pack",   "parquet", "pb",   "pch",    "pdb",     "pdf",     "pgp",   "pickle",
    "pkl",  "png",   "ppt",  "pptx",        "prof",   "psd",    "pt",      "pth",  "pyc",    "pyd",     "pyo",     "rar",   "rdb",
    "rlib", "rmeta", "rpm",  "safetensors", "sig",    "sketch", "snap",    "so",   "sqlite", "sqlite3", "stl",     "svg",   "swf",
    "swo",  "swp",   "tar",  "tbz2",        "tflite", "tga",    "tgz",     "tif",  "tiff",   "tsv",     "ttc",     "ttf",   "txz",
    "vsix", "war",   "wasm", "wav",         "webm",   "webp",   "whl",     "wma",  "wmv",    "woff",    "woff2",   "xls",   "xlsx",
    "xz",   "z",     "zip",  "zst"};

static_assert(std::ranges::is_sorted(kForeignFolders) && std::ranges::is_sorted(kForeignFormats));

bool is_one_of(std::string_view name, const auto& names) { return std::ranges::find(names, name) != std::end(names); }
bool begins_with_one_of(std::string_view name, const auto& beginnings) {
  return std::ranges::any_of(beginnings, [name](std::string_view beginning) { return name.starts_with(beginning); });
}
bool ends_with_one_of(std::string_view name, const auto& endings) {
  return std::ranges::any_of(endings, [name](std::string_view ending) { return name.ends_with(ending); });
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Without what an editor adds to the name of a copy or a lock: .#name, #name#, .name.swp, name~, name.bak.
std::string_view without_copy_marks(std::string_view name) {
  for (std::size_t before = 0; before != name.size();) {
    before = name.size();
    for (const std::string_view ending : kCopyEndings) {
      if (name.size() > ending.size() && name.ends_with(ending)) name.remove_suffix(ending.size());
    }
  }
  while (name.starts_with(".#") || name.starts_with('#')) name.remove_prefix(1 + (name.front() == '.' ? 1 : 0));
  return name;
}

bool is_secret_name(std::string_view name) {
  return is_one_of(name, kSecretFolders) || is_one_of(name, kSecretNames) || begins_with_one_of(name, kSecretBeginnings) ||
         ends_with_one_of(name, kSecretEndings);
}

/// `name` in lower case.
bool is_secret(std::string_view name) {
  const std::string_view plain = without_copy_marks(name);
  if (is_secret_name(name) || is_secret_name(plain)) return true;
  // Vim hides its copy of id_rsa as .id_rsa.swp.
  if (plain.size() != name.size() && plain.starts_with('.') && is_secret_name(plain.substr(1))) return true;
  const std::size_t dot = plain.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view stem = plain.substr(0, dot);
  const std::string_view ending = plain.substr(plain.rfind('.') + 1);
  return (stem == "credentials" || stem == "secrets" || stem == "secret") && is_one_of(ending, kDataEndings);
}

bool is_foreign_folder(std::string_view name) {
  return std::ranges::binary_search(kForeignFolders, name) || name.starts_with("cmake-build-") || name.ends_with(".egg-info") ||
         name.ends_with(".xcassets");
}

/// `name` in lower case.
bool is_foreign_file(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return is_one_of(name, kForeignNames) || ends_with_one_of(name, kForeignEndings) || name.ends_with('~') ||
         (dot != std::string_view::npos && std::ranges::binary_search(kForeignFormats, name.substr(dot + 1))) ||
         name.find(".so.") != std::string_view::npos;
}

bool is_clean_text(std::string_view path) {
  const bool has_control = std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  const bool is_ascii = std::ranges::all_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return !has_control && (is_ascii || mended_utf8(path, 0).has_value());
}

std::optional<Refusal> refuse_if(bool is_refused, Refusal reason) { return is_refused ? std::optional(reason) : std::nullopt; }

/// Calls `judge(component, is_last)` until it gives a reason.
std::optional<Refusal> judge_components(std::string_view path, const std::function<std::optional<Refusal>(std::string_view, bool)>& judge) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (const auto reason = judge(path.substr(begin, end - begin), end == path.size())) return reason;
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kOutside: return "outside";
    case Refusal::kSecret: return "secret";
    case Refusal::kNotPersonsText: return "not the person's text";
    case Refusal::kIgnored: return "ignored";
  }
  return "unknown";
}

std::optional<Refusal> refused_by_name(std::string_view relative_path, bool is_folder) {
  if (relative_path.size() > kMaxPathBytes || std::ranges::count(relative_path, '/') >= static_cast<std::ptrdiff_t>(kMaxPathComponents)) {
    return Refusal::kOutside;
  }
  const auto outside = judge_components(relative_path, [](std::string_view name, bool) {
    return refuse_if(name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos, Refusal::kOutside);
  });
  if (outside) return outside;
  const auto secret =
      judge_components(relative_path, [](std::string_view name, bool) { return refuse_if(is_secret(lower_case(name)), Refusal::kSecret); });
  if (secret) return secret;
  if (!is_clean_text(relative_path)) return Refusal::kNotPersonsText;
  return judge_components(relative_path, [is_folder](std::string_view name, bool is_last) {
    const bool is_foreign = is_last && !is_folder ? is_foreign_file(lower_case(name)) : is_foreign_folder(name);
    return refuse_if(is_foreign, Refusal::kNotPersonsText);
  });
}

bool lies_in_secret_folder(std::string_view root) {
  return judge_components(
             root, [](std::string_view name, bool) { return refuse_if(is_one_of(lower_case(name), kSecretFolders), Refusal::kSecret); })
      .has_value();
}

}  // namespace octet::engine
