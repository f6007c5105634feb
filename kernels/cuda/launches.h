// Queues each kernel on a stream. Included by .cu files; a launch fails where the device has less shared memory than its sizes take.
#pragma once

#include "kernels/cuda/arguments.h"
#include "kernels/cuda/machine.h"

namespace octet::kernels::cuda {

using Error = cudaError_t;

/// Queues the kernel for the format.
template <class Args>
Error launch(Format format, void (*of_int8)(Args), void (*of_bf16)(Args), dim3 n_blocks, int shared_bytes, Stream stream,
             const Args& args) {
  return launch(format == Format::kInt8 ? of_int8 : of_bf16, n_blocks, kThreads, static_cast<std::size_t>(shared_bytes), stream, args);
}

Error launch_embed(const EmbedArgs& args, Stream stream);
Error launch_qkv(const QkvArgs& args, Stream stream);
Error launch_attention(const AttentionArgs& args, Stream stream);
Error launch_add_product(const AddProductArgs& args, Stream stream);
Error launch_gate_up(const GateUpArgs& args, Stream stream);
Error launch_head(const HeadArgs& args, Stream stream);
Error launch_embed_chunk(const EmbedChunkArgs& args, Stream stream);
Error launch_quantize(const QuantizeArgs& args, Stream stream);
Error launch_chunk_product(const ChunkProductArgs& args, Stream stream);
Error launch_unpack(const UnpackArgs& args, Stream stream);
Error launch_finish_product(const FinishProductArgs& args, Stream stream);
Error launch_finish_heads(const FinishHeadsArgs& args, Stream stream);
Error launch_accept(const AcceptArgs& args, Stream stream);
Error launch_draft(const DraftArgs& args, Stream stream);

}  // namespace octet::kernels::cuda
