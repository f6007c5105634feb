// octet-bench: what users and we measure the engine by.
#include <iostream>

#include <CLI/CLI.hpp>

#include "benchmarks/compare.h"
#include "benchmarks/decode_bench.h"
#include "benchmarks/gpu_bench.h"
#include "benchmarks/kernels_bench.h"
#include "benchmarks/latency/export_trace.h"
#include "benchmarks/latency/latency_bench.h"
#include "benchmarks/page/page.h"
#include "benchmarks/quality/quality_bench.h"
#include "benchmarks/signature.h"

namespace {

constexpr const char* kReplayHelp =
    "Of each file, from a random line on, that a simulated user types with suggestions. The user reads what newly appears (250 ms to "
    "notice "
    "it, 45 ms a character, up to the first wrong word; a key takes 230 ms), takes it whole with one key where all of it is right, by "
    "words with a key each where that saves keys, and types on otherwise. A line's end and the indentation behind it are one key";

}  // namespace

int main(int argc, char** argv) {
  using namespace octet::benchmarks;
  SignatureOptions signature;
  CLI::App app("Measures the engine.", "octet-bench");
  app.require_subcommand(0, 1);  // 1 would hide which word was not understood
  CLI::App* signature_app = app.add_subcommand("signature", "A hash over the deterministic output on fixed prompts; the last line");
  signature_app->add_option("--model", signature.model, "Model file (default: the one that came with octet)");
  signature_app->add_option("--threads", signature.threads, "How many threads compute; the output does not depend on it")
      ->check(CLI::Range(1U, 1024U));
  signature_app->add_option("--max-bytes", signature.max_bytes, "Bytes of each completion at most; another number, another hash")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  signature_app->add_option("--json", signature.json, "Also write the result to this file");

  KernelsOptions kernels;
  CLI::App* kernels_app = app.add_subcommand("kernels", "Each kernel of the int8 profile against what the machine can do");
  kernels_app->add_option("--threads", kernels.threads, "How many threads compute")->check(CLI::Range(1U, 1024U))->capture_default_str();
  kernels_app->add_option("--json", kernels.json, "Also write the result to this file");

  DecodeOptions decode;
  CLI::App* decode_app = app.add_subcommand("decode", "Verify steps, prefill, plain against drafted text, batches");
  decode_app->add_option("--model", decode.model, "Model file (default: the one that came with octet)");
  auto* shape = decode_app->add_option("--shape", decode.shape, "Random weights instead: d,layers,heads,kv,ff,context");
  decode_app->add_option("--llama-shape", decode.llama_shape, "The same without n-gram tables, windows and draft heads")->excludes(shape);
  decode_app->add_option("--keep", decode.keep, "Write the random model to this file and leave it there");
  decode_app->add_option("--files", decode.files, "Source files to complete in (default: made-up text)")->check(CLI::ExistingFile);
  decode_app->add_flag("--plain", decode.plain, "Only plain greedy decoding");
  decode_app->add_flag("--draft", decode.draft, "Only drafted decoding");
  decode_app->add_option("--batch", decode.batch, "Also several sequences in one batch: 1,2,4,8")->delimiter(',')->check(CLI::Range(1, 16));
  decode_app->add_option("--bytes", decode.bytes, "Length of a completion")->check(CLI::Range(1, 4096))->capture_default_str();
  decode_app->add_option("--cursors", decode.cursors, "Completions in each file")->check(CLI::Range(1, 10000))->capture_default_str();
  decode_app->add_option("--repetitions", decode.repetitions, "Of plain and drafted in turn")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  decode_app->add_option("--threads", decode.threads, "How many threads compute (default: one a core, at most 4)")
      ->check(CLI::Range(1U, 1024U));
  decode_app->add_option("--json", decode.json, "Also write the result to this file");
  QualityOptions quality;
  CLI::App* quality_app = app.add_subcommand("quality", "Bits per byte and exact lines of files, with and without the workspace's memory");
  quality_app->add_option("--model", quality.model, "Model file (default: the one that came with octet)");
  quality_app->add_option("--mixer", quality.mixer, "Mixer file (default: the one that came with octet)");
  quality_app->add_option("--files", quality.files, "Source files to predict")->required()->check(CLI::ExistingFile);
  quality_app->add_option("--workspace", quality.workspace, "Folder above them whose files are remembered, or none")->capture_default_str();
  quality_app->add_option("--bytes", quality.bytes, "Of each file that are predicted")->capture_default_str();
  quality_app->add_option("--cursors", quality.cursors, "In each file, for the rest of the line")->capture_default_str();
  quality_app->add_option("--completions", quality.completions, "In each file, drafted and plain")->capture_default_str();
  quality_app->add_option("--editor-cursors", quality.editor_cursors, "In each file, for how sure completions are and how often right")
      ->capture_default_str();
  quality_app->add_flag("--auto-close", quality.auto_close, "Close brackets and quotes behind those cursors, as editors do");
  quality_app->add_flag("!--no-syntax", quality.use_syntax, "Let lines and indentation alone say where completions end");
  quality_app->add_option("--replay-bytes", quality.replay_bytes, kReplayHelp)->capture_default_str();
  quality_app
      ->add_option("--min-confidence", quality.min_confidence,
                   "Of completions at editor cursors (default 0) and in the replay (default: what editors have)")
      ->check(CLI::Range(0.0, 1.0));
  quality_app->add_option("--threads", quality.threads, "How many threads compute")->check(CLI::Range(1U, 1024U));
  quality_app->add_option("--seed", quality.seed, "Of the cursors")->capture_default_str();
  quality_app->add_option("--json", quality.json, "Also write the result to this file");
  quality_app->add_option("--html", quality.html, "Also write a page with plots to this file");
  LatencyOptions latency;
  CLI::App* latency_app = app.add_subcommand("latency", "From a key to ghost text, while real files are typed to a language server");
  latency_app->add_option("--files", latency.files, "Source files of which passages are typed again")->check(CLI::ExistingFile);
  latency_app->add_option("--trace", latency.trace, "Or a trace, as export-trace writes it")->check(CLI::ExistingFile);
  latency_app->add_option("--keys", latency.keys, "About so many")->check(CLI::Range(1, 1000000))->capture_default_str();
  latency_app->add_option("--seed", latency.seed, "Of the passages, pauses and slips")->capture_default_str();
  latency_app->add_option("--speed", latency.speed, "So many times as fast as a person types")
      ->check(CLI::Range(0.1, 1000.0))
      ->capture_default_str();
  latency_app->add_option("--repetitions", latency.repetitions, "Of each server, in turn")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  latency_app->add_option("--server", latency.servers, "Commands of language servers (default: octet lsp --stdio)")
      ->allow_extra_args(false);
  latency_app->add_option("--infill", latency.infill, "URL of an HTTP server with llama.cpp's POST /infill, measured in the same way");
  latency_app->add_option("--infill-options", latency.infill_options, "JSON that its requests have besides: {\"n_predict\": 64}")
      ->capture_default_str();
  latency_app->add_option("--workspace", latency.workspace, "Folder that the editor has open, or none")->capture_default_str();
  latency_app->add_flag("--wake", latency.wake, "Also wait the minute after which the model is unloaded, and wake it");
  latency_app->add_option("--json", latency.json, "Also write the result to this file; one for each server")->allow_extra_args(false);
  latency_app->add_option("--html", latency.html, "Also write a page with plots to this file; one for each server")
      ->allow_extra_args(false);
  ExportTraceOptions exported;
  CLI::App* export_app = app.add_subcommand("export-trace", "The work of latency as JSON lines, for other completers");
  export_app->add_option("--files", exported.typing.files, "Source files of which passages are typed again")
      ->required()
      ->check(CLI::ExistingFile);
  export_app->add_option("--keys", exported.typing.n_keys, "About so many")->check(CLI::Range(1, 1000000))->capture_default_str();
  export_app->add_option("--seed", exported.typing.seed, "Of the passages, pauses and slips")->capture_default_str();
  export_app->add_option("--trace", exported.trace, "File for what is typed when; latency --trace plays it");
  export_app->add_option("--prompts", exported.prompts, "File for the text before and behind the cursor at each key");
  export_app->add_option("--server", exported.server, "Command of a language server whose answers stand beside the prompts");
  CompareOptions compare;
  CLI::App* compare_app = app.add_subcommand("compare", "Two results of latency or quality; exit code 1 where the second one is worse");
  compare_app->add_option("a", compare.a, "What --json wrote")->required()->check(CLI::ExistingFile);
  compare_app->add_option("b", compare.b, "What --json wrote later, or elsewhere")->required()->check(CLI::ExistingFile);
  compare_app->add_option("--threshold", compare.threshold, "Smaller changes are none")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  compare_app->add_option("--json", compare.json, "Also write the result to this file");
  PageOptions page;
  CLI::App* page_app = app.add_subcommand("page", "The plots of an earlier result");
  page_app->add_option("result", page.result, "What a verb wrote with --json")->required()->check(CLI::ExistingFile);
  page_app->add_option("--html", page.html, "Where the page goes")->required();
  GpuOptions gpu;
  CLI::App* gpu_app =
      app.add_subcommand("gpu", "A GPU: its bits against the CPU's, then steps, launches and bandwidth, beside what is expected");
  gpu_app->add_option("--shape", gpu.shapes,
                      "Random models to time: d,layers,heads,kv,ff,context, or default (default: that, 0.1B, 1B and 7B)");
  gpu_app->add_option("--models", gpu.models, "How many small random models are compared with the CPU")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  gpu_app->add_option("--context", gpu.context, "Bytes behind which steps are timed")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  gpu_app->add_option("--repetitions", gpu.repetitions, "Of each timed step")->check(CLI::Range(1, 100000))->capture_default_str();
  gpu_app->add_option("--json", gpu.json, "Also write the result to this file");
  try {  // the library reports by throwing
    app.parse(argc, argv);
    if (app.get_subcommands().empty())
      throw CLI::RequiredError("A verb (kernels, decode, gpu, latency, quality, compare, export-trace, page, signature)");
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::Error& error) {
    app.exit(error, std::cerr, std::cerr);
    return 2;
  }
  if (kernels_app->parsed()) return run_kernels(kernels);
  if (decode_app->parsed()) return run_decode(decode);
  if (compare_app->parsed()) return run_compare(compare);
  if (export_app->parsed()) return run_export_trace(exported);
  if (latency_app->parsed()) return run_latency(latency);
  if (quality_app->parsed()) return run_quality(quality);
  if (page_app->parsed()) return run_page(page);
  if (gpu_app->parsed()) return run_gpu(gpu);
  return run_signature(signature);
}
