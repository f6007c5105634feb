// octet-bench: what users and we measure the engine by.
#include <iostream>

#include <CLI/CLI.hpp>

#include "benchmarks/signature.h"

int main(int argc, char** argv) {
  using namespace octet::benchmarks;
  SignatureOptions signature;
  CLI::App app("Measures the engine.", "octet-bench");
  app.require_subcommand(0, 1);  // 1 would hide which word was not understood
  CLI::App* signature_app = app.add_subcommand("signature", "A hash over the deterministic output on fixed prompts; the last line");
  signature_app->add_option("--model", signature.model, "Model file (default: the one that came with octet)");
  signature_app->add_option("--threads", signature.threads, "At most this many threads compute (the f32 profile uses one)")
      ->check(CLI::Range(1U, 1024U));
  signature_app->add_option("--json", signature.json, "Also write the result to this file");
  try {  // the library reports by throwing
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A verb (signature)");
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::Error& error) {
    app.exit(error, std::cerr, std::cerr);
    return 2;
  }
  return run_signature(signature);
}
