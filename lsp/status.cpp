#include "lsp/status.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

std::string_view state_of(const Status& status, const ModelHost& model) {
  if (!status.is_enabled) return "disabled";
  switch (model.state()) {
    case ModelState::kUnloaded: return "unloaded";
    case ModelState::kLoading: return "loading";
    case ModelState::kReady: return "ready";
    case ModelState::kFailed: return "failed";
  }
  return "failed";
}

std::string message_of(const Status& status, const ModelHost& model) {
  if (!status.is_enabled) return std::string(explain(Silence::kDisabled));
  switch (model.state()) {
    case ModelState::kUnloaded: return "the model is not in memory until it is needed";
    case ModelState::kLoading: return std::string(explain(Silence::kModelLoading));
    case ModelState::kFailed: return model.failure();
    case ModelState::kReady: break;
  }
  if (status.last_silence) return std::string(explain(*status.last_silence));
  const engine::ModelInfo& info = *model.info();
  return fmt::format("{} on {}", info.name, model.trouble().empty() ? info.device : model.trouble());
}

}  // namespace

Json make_status(const Status& status, const ModelHost& model, const Statistics& statistics) {
  const auto& info = model.info();
  Json described = nullptr;
  if (info)
    described = {{"name", info->name},
                 {"sha256", info->sha256},
                 {"path", info->path.string()},
                 {"profile", info->profile},
                 {"loadMs", info->load_ms}};
  return {{"state", state_of(status, model)},
          {"model", std::move(described)},
          {"device", info ? Json(fmt::format("{} {}", info->device, info->isa)) : Json(nullptr)},
          {"deviceNote", info ? Json(model.trouble().empty() ? info->device_note : model.trouble()) : Json(nullptr)},
          {"message", message_of(status, model)},
          {"lastReason", status.last_silence ? Json(to_string(*status.last_silence)) : Json(nullptr)},
          {"stats", statistics.to_json()}};
}

Json make_status_change(const Status& status, const ModelHost& model) {
  const bool has_failed = status.is_enabled && model.state() == ModelState::kFailed;
  return {{"busy", status.is_busy || (status.is_enabled && model.state() == ModelState::kLoading)},
          {"message", message_of(status, model)},
          {"kind", has_failed          ? "Error"
                   : status.is_enabled ? "Normal"
                                       : "Inactive"}};
}

}  // namespace octet::lsp
