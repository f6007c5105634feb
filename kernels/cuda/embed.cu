// The step's bytes become hidden rows: hidden = embed[byte] + ngram_proj . concat(n-gram rows). A block has 16 of d_model; of a chunk,
// eight rows.
#include "kernels/cuda/embedding.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) embed_kernel(EmbedArgs args) {
  const Embedding& e = args.embedding;
  const Step& step = *args.step;
  const int tile = static_cast<int>(blockIdx.x);
  float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * e.d_model;
  if (e.n_orders == 0) {
    const int i = tile * kTile + lane_index();
    const int row = warp_index();
    if (row < step.n_rows && lane_index() < kTile && i < e.d_model) {
      hidden[static_cast<std::ptrdiff_t>(row) * e.d_model + i] = embedded(e, step.rows[row].byte, i);
    }
    return;
  }
  SharedSpace space;
  const int k = e.n_orders * e.ngram_dim;
  const Rows grams = take_rows(space, k);
  const Partial partial = take_partial(space);
  const Shared<int> indices = space.take<int>(kMaxRows * kMaxOrders);
  if (warp_index() < step.n_rows) {
    const Row& row = step.rows[warp_index()];
    quantize_grams(grams, e, indices, [&](int i) { return static_cast<unsigned>(row.tail[i]); });
  } else {
    clear_row(grams, k);
  }
  __syncthreads();
  for_tile(e.ngram_proj, tile, grams, partial, [&](int i, int row, float number) {
    if (row < step.n_rows && i < e.d_model)
      hidden[static_cast<std::ptrdiff_t>(row) * e.d_model + i] = embedded(e, step.rows[row].byte, i) + number;
  });
}

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) embed_chunk_kernel(EmbedChunkArgs args) {
  const Embedding& e = args.embedding;
  const Step& step = *args.step;
  const int row_idx = static_cast<int>(blockIdx.x) * kWarps + warp_index();
  const int k = e.n_orders * e.ngram_dim;
  const int n_words = n_steps(k) * (kDepth / 4);
  SharedSpace space;
  const Shared<int> indices = space.take<int>(kMaxRows * kMaxOrders);
  unsigned* words = args.grams.words + static_cast<std::ptrdiff_t>(row_idx) * n_words;
  if (row_idx >= step.n_rows) {
    for (int word = lane_index(); word < n_words; word += 32) words[word] = 0;
    if (lane_index() == 0) args.grams.scales[row_idx] = 0;
    return;
  }
  const Row& row = step.rows[row_idx];
  float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row + row_idx) * e.d_model;
  for (int i = lane_index(); i < e.d_model; i += 32) hidden[i] = embedded(e, row.byte, i);
  const float scale = quantize_grams(
      e, indices, [&](int i) { return static_cast<unsigned>(row.tail[i]); }, [&](int word, unsigned four) { words[word] = four; });
  if (lane_index() == 0) args.grams.scales[row_idx] = scale;
}

}  // namespace

Error launch_embed_chunk(const EmbedChunkArgs& args, Stream stream) {
  return launch(embed_chunk_kernel, {kChunkRows / kWarps, 1, 1}, kThreads, static_cast<std::size_t>(shared_part(kMaxRows * kMaxOrders * 4)),
                stream, args);
}

Error launch_embed(const EmbedArgs& args, Stream stream) {
  const Embedding& e = args.embedding;
  const int bytes = rows_bytes(e.n_orders * e.ngram_dim) + kPartialBytes + shared_part(kMaxRows * kMaxOrders * 4);
  return launch(embed_kernel, {static_cast<unsigned>(n_tiles(e.d_model)), 1, 1}, kThreads, static_cast<std::size_t>(bytes), stream, args);
}

}  // namespace octet::kernels::cuda
