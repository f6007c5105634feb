// The kernels of the int8 profile. This one source is compiled once for each instruction set, with OCTET_ISA naming the
// namespace and OCTET_DOT the header with the inner products.
//
// Pure file: no functions or templates of the standard library, so that the linker can never choose a copy compiled for a newer
// processor for the rest of the program.
#include "kernels/int8/int8_kernels.h"

#include "kernels/cpu/vec8.h"

// Each builds on those before it.
#include OCTET_DOT

#include "kernels/int8/rows.h"

#include "kernels/int8/product.h"

#include "kernels/int8/attention.h"

namespace octet::kernels::OCTET_ISA {

namespace {

/// Four streams of loads into as many registers.
void read(const std::uint8_t* bytes, std::size_t n) {
  typedef std::int64_t Line __attribute__((vector_size(OCTET_READ_BYTES), may_alias));
  constexpr std::size_t kStep = 4 * sizeof(Line);
  Line found[4] = {};
  for (std::size_t i = 0; i + kStep <= n; i += kStep) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) found[j] |= *reinterpret_cast<const Line*>(bytes + i + j * sizeof(Line));
  }
  found[0] |= found[1] | found[2] | found[3];
  asm volatile("" ::"m"(found[0]) : "memory");
}

}  // namespace

extern const int8::Kernels kTable;
const int8::Kernels kTable{OCTET_STRING(OCTET_ISA_NAME),
                           &quantize,
                           &norm_quantize,
                           &matmul,
                           &matmul_swiglu,
                           &rotate,
                           &append_kv,
                           &attention,
                           &cell_update,
                           &read,
                           &peak,
                           kPeakProducts};

}  // namespace octet::kernels::OCTET_ISA
