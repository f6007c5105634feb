// The chain of proposals behind one row (the model's FORMAT.md, "Drafting"): for each head its row of logits, with the draft cell's part
// where there is one, and the byte that it chooses, which the cell's next input depends on. One block computes the cell: it is a chain of
// small products, and between two of them a barrier of a block costs less than a launch.
#include "kernels/cuda/choose.h"
#include "kernels/cuda/embedding.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

constexpr int larger(int a, int b) { return a > b ? a : b; }
constexpr int gram_width(const Embedding& e) { return e.n_orders * e.ngram_dim; }
constexpr int input_width(const DraftArgs& args) {
  return larger(larger(args.embedding.d_model, args.cell.dim), gram_width(args.embedding));
}

constexpr int draft_bytes(const DraftArgs& args) {
  const Format format = args.embedding.format;
  const int cell = rows_bytes(n_steps(input_width(args), format), 1) + shared_part(args.embedding.d_model * 4) +
                   3 * shared_part(args.cell.dim * 4) + shared_part(2 * n_tiles(args.cell.dim) * kTile * 4) +
                   shared_part(kMaxRows * kMaxOrders * 4);
  return shared_part(kVocabulary * 4) + shared_part(kMaxTail * 4) + shared_part(kMaxPredict * 4) + cell;
}

/// The row = value(i), i < k, by the first warp; a barrier behind.
template <class F, class Value>
__device__ void put_row(const SharedRows& row, int k, Value value) {
  if (warp_index() == 0) {
    const auto scale = convert<F>(k, value, [&](int word, unsigned numbers) { row.words.write(word, numbers); });
    keep_scale<F>(scale, row, 0);
  }
  __syncthreads();
}
/// The same of x(i) RMSNormed and times gain(i).
template <class F, class Value, class Gain>
__device__ void put_normed_row(const SharedRows& row, int k, float eps, Value x, Gain gain) {
  const float scale = warp_index() == 0 ? inverse_rms(k, eps, x) : 0.0F;
  put_row<F>(row, k, [&](int i) { return x(i) * scale * gain(i); });
}

/// The cell's state and what enters it, all [dim] in shared memory.
struct CellMemory {
  SharedRows input;        // of every product of the cell, one after the other
  Shared<float> embedded;  // [d_model]
  Shared<float> state;
  Shared<float> from_trunk;
  Shared<float> recur;
  Shared<float> embed_gate;  // [2 * dim in whole tiles]
  Shared<int> indices;       // of n-gram rows
};
template <class F>
__device__ CellMemory take_cell(SharedSpace& space, const DraftArgs& args) {
  const int dim = args.cell.dim;
  const SharedRows input = take_rows(space, n_steps(input_width(args), F::kFormat), 1);
  const Shared<float> embedded = space.take<float>(args.embedding.d_model);
  const Shared<float> state = space.take<float>(dim);
  const Shared<float> from_trunk = space.take<float>(dim);
  const Shared<float> recur = space.take<float>(dim);
  const Shared<float> embed_gate = space.take<float>(2 * n_tiles(dim) * kTile);
  return {input, embedded, state, from_trunk, recur, embed_gate, space.take<int>(kMaxRows * kMaxOrders)};
}

/// The cell takes the byte that the tail ends with; logits += out . state.
template <class F>
__device__ void advance_cell(const DraftArgs& args, const CellMemory& cell, const Shared<int>& tail, const Shared<float>& logits) {
  const Embedding& e = args.embedding;
  const int d_model = e.d_model;
  const int dim = args.cell.dim;
  const int byte = tail.read(kMaxTail - 1) - 1;
  for (int i = static_cast<int>(threadIdx.x); i < d_model; i += kThreads) cell.embedded.write(i, embedded<F>(e, byte, i));
  if (e.n_orders > 0) {
    const Shared<int> found = find_grams(e, cell.indices, [&](int i) { return static_cast<unsigned>(tail.read(i)); });
    put_row<F>(cell.input, gram_width(e), [&](int i) { return gram<F>(e, found, i); });
    for_all_tiles_of_row<F>(e.ngram_proj, cell.input, [&](int i, float number) { cell.embedded.write(i, cell.embedded.read(i) + number); });
  }
  __syncthreads();
  put_normed_row<F>(
      cell.input, d_model, args.eps, [&](int i) { return cell.embedded.read(i); }, [](int) { return 1.0F; });
  for_all_tiles_of_row<F>(args.cell.embed_gate, cell.input, [&](int i, float number) { cell.embed_gate.write(i, number); });
  __syncthreads();
  put_row<F>(cell.input, dim, [&](int i) { return cell.state.read(i); });
  for_all_tiles_of_row<F>(args.cell.recur, cell.input, [&](int i, float number) { cell.recur.write(i, number); });
  __syncthreads();
  const int gate_at = n_tiles(dim) * kTile;
  for (int i = static_cast<int>(threadIdx.x); i < dim; i += kThreads) {
    const float entering = reference::tanh(cell.recur.read(i) + cell.from_trunk.read(i) + cell.embed_gate.read(i));
    cell.state.write(i, cell.state.read(i) / 2.0F + entering * reference::sigmoid(cell.embed_gate.read(gate_at + i)));
  }
  __syncthreads();
  put_row<F>(cell.input, dim, [&](int i) { return cell.state.read(i); });
  for_all_tiles_of_row<F>(args.cell.out, cell.input, [&](int i, float number) { logits.write(i, logits.read(i) + number); });
  __syncthreads();
}

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) draft_kernel(DraftArgs args) {
  const Embedding& e = args.embedding;
  const DraftStep& draft = *args.draft;
  const Row& from = draft.step.rows[0];
  SharedSpace space;
  const Shared<float> logits = space.take<float>(kVocabulary);
  const Shared<int> tail = space.take<int>(kMaxTail);
  const Shared<int> chosen = space.take<int>(kMaxPredict);
  const bool has_cell = args.cell.dim > 0;

  Utf8 text = utf8_after(from);
  if (threadIdx.x < kMaxTail) tail.write(static_cast<int>(threadIdx.x), from.tail[threadIdx.x]);
  const std::ptrdiff_t first_row = draft.step.first_row;
  const CellMemory cell = take_cell<F>(space, args);
  if (has_cell) {
    for (int i = static_cast<int>(threadIdx.x); i < args.cell.dim; i += kThreads) cell.state.write(i, 0.0F);
    const float* hidden = args.hidden + first_row * e.d_model;
    put_normed_row<F>(
        cell.input, e.d_model, args.eps, [&](int i) { return hidden[i]; }, [&](int i) { return args.gain[i]; });
    for_all_tiles_of_row<F>(args.cell.in, cell.input, [&](int i, float number) { cell.from_trunk.write(i, number); });
  }
  for (int head = 1; head < args.n_predict; ++head) {
    // The byte before: the primary head's, then the last proposal.
    __syncthreads();
    const int previous = head - 1 < draft.n_given ? draft.given[head - 1] : chosen.read(head - 1);
    const int moved = threadIdx.x + 1 < kMaxTail ? tail.read(static_cast<int>(threadIdx.x) + 1) : previous + 1;
    text.advance(previous);
    __syncwarp();  // the tail is the first warp's
    if (threadIdx.x < kMaxTail) tail.write(static_cast<int>(threadIdx.x), moved);
    const int byte = static_cast<int>(threadIdx.x);
    static_assert(kThreads == kVocabulary);
    logits.write(byte, args.logits[(head - 1) * args.logits_stride + first_row * kVocabulary + byte]);
    __syncthreads();
    if (has_cell) advance_cell<F>(args, cell, tail, logits);
    args.rows[static_cast<std::ptrdiff_t>(head - 1) * kVocabulary + byte] = logits.read(byte);
    if (warp_index() == 0) {
      const int next = choose([&](int i) { return logits.read(i); }, text, args.end_byte) % kVocabulary;
      if (lane_index() == 0) {
        chosen.write(head, next);
        args.verdict->chosen[head - 1] = static_cast<std::uint8_t>(previous);
      }
    }
  }
  if (threadIdx.x == 0) args.verdict->row = draft.step.first_row;
}

}  // namespace

Error launch_draft(const DraftArgs& args, Stream stream) {
  return launch(args.embedding.format, draft_kernel<Int8>, draft_kernel<Bf16>, {1, 1, 1}, draft_bytes(args), stream, args);
}

}  // namespace octet::kernels::cuda
