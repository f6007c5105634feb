// How far the step's bytes are what the primary head chooses: row i's choice under the UTF-8 mask is the byte of row i + 1 for the rows
// that are accepted. The row behind them is where proposals start from. One block, a warp for each row.
#include "kernels/cuda/choose.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) accept_kernel(AcceptArgs args) {
  const Step& step = *args.step;
  const Run run = step.runs[0];
  const int row_idx = warp_index();
  SharedSpace space;
  const Shared<int> chosen = space.take<int>(kMaxRows);
  if (row_idx < run.n_rows) {
    const float* logits = args.logits + static_cast<std::ptrdiff_t>(step.first_row + row_idx) * kVocabulary;
    const int byte = choose([&](int i) { return logits[i]; }, utf8_after(step.rows[row_idx]), args.end_byte);
    if (lane_index() == 0) chosen.write(row_idx, byte);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  int row = 0;
  while (row + 1 < run.n_rows && chosen.read(row) == step.rows[row + 1].byte) ++row;
  DraftStep& draft = *args.draft;
  draft.step.n_rows = 1;
  draft.step.first_row = step.first_row + row;
  draft.step.n_runs = 1;
  draft.step.rows[0] = step.rows[row];
  draft.step.runs[0] = {0, 1};
  // Rows without a number: a byte as good as any other.
  draft.given[0] = static_cast<std::uint8_t>(chosen.read(row) % kVocabulary);
  draft.n_given = 1;
}

}  // namespace

Error launch_accept(const AcceptArgs& args, Stream stream) {
  return launch(accept_kernel, {1, 1, 1}, kThreads, static_cast<std::size_t>(shared_part(kMaxRows * 4)), stream, args);
}

}  // namespace octet::kernels::cuda
