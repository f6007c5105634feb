// octet-bench: what users and we measure the engine by.
#include <iostream>

#include <CLI/CLI.hpp>

#include "benchmarks/decode_bench.h"
#include "benchmarks/gpu_bench.h"
#include "benchmarks/kernels_bench.h"
#include "benchmarks/quality_bench.h"
#include "benchmarks/signature.h"

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
  quality_app->add_option("--min-confidence", quality.min_confidence, "Of those completions")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  quality_app->add_option("--threads", quality.threads, "How many threads compute")->check(CLI::Range(1U, 1024U));
  quality_app->add_option("--seed", quality.seed, "Of the cursors")->capture_default_str();
  quality_app->add_option("--json", quality.json, "Also write the result to this file");

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
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A verb (kernels, decode, gpu, quality, signature)");
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::Error& error) {
    app.exit(error, std::cerr, std::cerr);
    return 2;
  }
  if (kernels_app->parsed()) return run_kernels(kernels);
  if (decode_app->parsed()) return run_decode(decode);
  if (quality_app->parsed()) return run_quality(quality);
  if (gpu_app->parsed()) return run_gpu(gpu);
  return run_signature(signature);
}
