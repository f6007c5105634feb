#include "lsp/last_words.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "lsp/options.h"

namespace octet::lsp {
namespace {

/// Allocates nothing: standard error has no buffer, and an exception that is thrown again is not copied.
[[noreturn]] void speak_and_end() {
  const char* reason = "no memory for an error";
  const std::exception_ptr error = std::current_exception();
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  } catch (const std::exception& known) {
    reason = known.what();
  } catch (...) {
    reason = "an unknown error";
  }
  std::fputs("octet: ", stderr);
  std::fputs(reason, stderr);
  std::fputs("\n", stderr);
  std::_Exit(kExitFailed);
}

}  // namespace

void install_last_words() { std::set_terminate(speak_and_end); }

}  // namespace octet::lsp
