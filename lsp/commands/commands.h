// The verbs of octet. Each returns the process's exit code; results go to standard output, errors to standard error.
#pragma once

#include "lsp/options.h"

namespace octet::lsp {

int run_lsp(const Options& options, const LspCommand& command);
int run_complete(const Options& options, const CompleteCommand& command);
int run_inspect(const InspectCommand& command);
int run_doctor(const Options& options, const DoctorCommand& command);
int run_doctor_network(const DoctorCommand& command);
int run_forget(const ForgetCommand& command);

}  // namespace octet::lsp
