// What the system says of another process: its memory, and how long it has computed.
#pragma once

#include <cstddef>

namespace octet::benchmarks {

/// Milliseconds of processor time of all threads since the process began; 0 where there is no such process.
double cpu_ms(int process_id);
/// Resident now, and at most so far; 0 where there is no such process.
std::size_t rss_bytes(int process_id);
std::size_t peak_rss_bytes(int process_id);

}  // namespace octet::benchmarks
