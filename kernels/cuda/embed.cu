// The step's bytes become hidden rows: hidden = embed[byte] + ngram_proj . concat(n-gram rows). A block has 16 of d_model; of a chunk,
// eight rows.
#include "kernels/cuda/embedding.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) embed_kernel(EmbedArgs args) {
  const Embedding& e = args.embedding;
  const Step& step = *args.step;
  const int tile = static_cast<int>(blockIdx.x);
  const int own_row = warp_index();
  float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * e.d_model;
  if (e.n_orders == 0) {
    const int i = tile * kTile + lane_index();
    if (own_row < step.n_rows && lane_index() < kTile && i < e.d_model) {
      hidden[static_cast<std::ptrdiff_t>(own_row) * e.d_model + i] = embedded<F>(e, step.rows[own_row].byte, i);
    }
    return;
  }
  prefetch_tile(e.ngram_proj, tile);
  SharedSpace space;
  const int k = e.n_orders * e.ngram_dim;
  const SharedRows memory = take_slice<F>(space, k);
  const Partial<F> partial = take_partial<F>(space);
  const Shared<int> indices = space.take<int>(kMaxRows * kMaxOrders);
  const bool exists = own_row < step.n_rows;
  const std::uint16_t* tail = step.rows[exists ? own_row : 0].tail;
  const Shared<int> found = find_grams(e, indices, [&](int i) { return static_cast<unsigned>(tail[i]); });
  auto grams = sliced<F>(memory, k, exists, [&](int i) { return gram<F>(e, found, i); });
  for_tile(e.ngram_proj, tile, grams, partial, [&](int i, int row, float number) {
    if (row < step.n_rows && i < e.d_model)
      hidden[static_cast<std::ptrdiff_t>(row) * e.d_model + i] = embedded<F>(e, step.rows[row].byte, i) + number;
  });
}

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) embed_chunk_kernel(EmbedChunkArgs args) {
  const Embedding& e = args.embedding;
  const Step& step = *args.step;
  const int row_idx = static_cast<int>(blockIdx.x) * kWarps + warp_index();
  const int k = e.n_orders * e.ngram_dim;
  const int n = n_words(k, F::kFormat);
  SharedSpace space;
  const Shared<int> indices = space.take<int>(kMaxRows * kMaxOrders);
  const auto put = [&](int word, unsigned numbers) { args.grams.words[args.grams.at(row_idx, word)] = numbers; };
  typename F::Scale scale{};
  if (row_idx >= step.n_rows) {
    for (int word = lane_index(); word < n; word += 32) put(word, 0);
  } else {
    const Row& row = step.rows[row_idx];
    float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row + row_idx) * e.d_model;
    for (int i = lane_index(); i < e.d_model; i += 32) hidden[i] = embedded<F>(e, row.byte, i);
    const Shared<int> found = find_grams(e, indices, [&](int i) { return static_cast<unsigned>(row.tail[i]); });
    scale = convert<F>(
        k, [&](int i) { return gram<F>(e, found, i); }, put);
  }
  keep_scale<F>(scale, args.grams.scales + row_idx);
}

constexpr int kIndexBytes = shared_part(kMaxRows * kMaxOrders * 4);

}  // namespace

Error launch_embed_chunk(const EmbedChunkArgs& args, Stream stream) {
  const dim3 grid{static_cast<unsigned>(args.grams.n_rows / kWarps), 1, 1};
  return launch(args.embedding.format, embed_chunk_kernel<Int8>, embed_chunk_kernel<Bf16>, grid, kIndexBytes, stream, args);
}

Error launch_embed(const EmbedArgs& args, Stream stream) {
  const Embedding& e = args.embedding;
  const int bytes = slice_bytes(e.n_orders * e.ngram_dim, e.format) + kPartialBytes + kIndexBytes;
  return launch(e.format, embed_kernel<Int8>, embed_kernel<Bf16>, {static_cast<unsigned>(n_tiles(e.d_model)), 1, 1}, bytes, stream, args);
}

}  // namespace octet::kernels::cuda
