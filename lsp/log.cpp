#include "lsp/log.h"

#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace octet::lsp {
namespace {

namespace fs = std::filesystem;

/// The library would make a file that everybody can read. One that is there stays as its owner made it.
void make_for_user_alone(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd >= 0) ::close(fd);
}

spdlog::sink_ptr open_sink(const fs::path& file) {
  if (file.empty()) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  std::error_code ignored;
  const auto status = fs::status(file, ignored);
  // Renaming a device or a pipe would take it away from everybody else.
  if (fs::exists(status) && !fs::is_regular_file(status)) return std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
  spdlog::file_event_handlers handlers;
  handlers.before_open = make_for_user_alone;
  constexpr bool kRotateOnOpen = false;
  return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.string(), kMaxLogFileBytes, kMaxLogFiles - 1, kRotateOnOpen, handlers);
}

}  // namespace

Result<void> open_log(const std::string& level, const fs::path& file) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    return fail(ErrorCode::kInvalidArgument, fmt::format("log level: expected trace, debug, info, warn, error or off, found '{}'", level));
  }
  try {  // the library reports a file that it cannot open by throwing
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("octet", open_sink(file)));
  } catch (const spdlog::spdlog_ex& error) {
    return fail(ErrorCode::kUnreadable, error.what());
  }
  spdlog::set_level(parsed);
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  spdlog::flush_on(spdlog::level::info);
  return {};
}

}  // namespace octet::lsp
