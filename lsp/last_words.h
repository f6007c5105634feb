// The end of a process that nothing else ends: an exception that nobody caught, on any thread. Mostly memory ran out.
#pragma once

namespace octet::lsp {

/// From here on such an exception is a message on standard error and exit code 1, no core dump. What the process holds is not tidied up:
/// files that are there stay whole, since each is written under another name first.
void install_last_words();

}  // namespace octet::lsp
