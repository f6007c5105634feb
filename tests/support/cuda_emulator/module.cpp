// The emulated GPU as a library that octet loads in place of octet_cuda. $OCTET_FAKE_GPU plans a fault: "driver" (none, or too old), "none"
// (no GPU), "memory=N" (the N-th allocation fails), "step=N" (the N-th step fails), "file=PATH" (steps fail once it exists), "nan=N" (from
// the N-th step on no numbers), "hang=N", "cublas" (there is none).
#include <cstdlib>
#include <string>

#include "tests/support/cuda_emulator/runtime.h"

namespace {

[[maybe_unused]] const bool is_planned = [] {
  const char* named = std::getenv("OCTET_FAKE_GPU");
  const std::string fault = named == nullptr ? "" : named;
  const std::size_t equals = fault.find('=');
  const int n = equals == std::string::npos ? -1 : std::atoi(fault.c_str() + equals + 1);
  octet::cuda_emulator::FakeMachine machine;
  if (fault == "driver") machine.driver = cudaErrorInsufficientDriver;
  if (fault == "none") machine.n_devices = 0;
  if (fault.starts_with("memory=")) machine.failing_allocation = n;
  if (fault.starts_with("step=")) machine.failing_step = n;
  if (fault.starts_with("file=")) machine.failing_file = fault.substr(equals + 1);
  if (fault.starts_with("nan=")) machine.spoilt_step = n;
  if (fault.starts_with("hang=")) machine.hanging_step = n;
  if (fault == "cublas") machine.has_cublas = false;
  octet::cuda_emulator::set_machine(machine);
  return true;
}();

}  // namespace
