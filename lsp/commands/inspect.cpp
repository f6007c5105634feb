// octet inspect: what is in a model file.
#include <string>

#include <fmt/format.h>

#include "bytemodel/model_file.h"
#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"

namespace octet::lsp {

int run_inspect(const InspectCommand& command) {
  const auto model = bytemodel::ModelFile::read(command.model);
  if (!model) {
    write_error(fmt::format("octet inspect: {}\n", model.error().message));
    return kExitFailed;
  }
  const auto& c = model->config();
  const auto parameters = bytemodel::count_parameters(c);
  std::string text;
  text += fmt::format("name        {}\n", model->name());
  text += fmt::format("format      {}\n", bytemodel::kModelFormat);
  text += fmt::format("sha256      {}\n", model->file().sha256());
  text += fmt::format("bytes       {}\n", model->file().file_bytes());
  text += fmt::format("parameters  {} dense, {} in tables\n", parameters.dense, parameters.tables);
  text += fmt::format("config      {}\n\n", bytemodel::to_json(c));
  text += fmt::format("{:<28} {:<6} {:<18} {:>12}\n", "tensor", "type", "shape", "bytes");
  for (const auto& tensor : model->file().tensors()) {
    text += fmt::format("{:<28} {:<6} {:<18} {:>12}\n", tensor.name, bytemodel::name(tensor.dtype), bytemodel::to_string(tensor.shape),
                        tensor.data.size());
  }
  return write_output(text) ? kExitDone : kExitFailed;
}

}  // namespace octet::lsp
