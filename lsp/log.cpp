#include "lsp/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace octet::lsp {

Result<void> open_log(const std::string& level, const std::filesystem::path& file) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    return fail(ErrorCode::kInvalidArgument, fmt::format("log level: expected trace, debug, info, warn, error or off, found '{}'", level));
  }
  try {  // the library reports a file that it cannot open by throwing
    auto logger = file.empty() ? spdlog::stderr_logger_mt("octet") : spdlog::basic_logger_mt("octet", file.string());
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return fail(ErrorCode::kUnreadable, error.what());
  }
  spdlog::set_level(parsed);
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  spdlog::flush_on(spdlog::level::info);
  return {};
}

}  // namespace octet::lsp
