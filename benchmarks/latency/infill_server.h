// An HTTP server that fills in between a prefix and a suffix, as llama.cpp's POST /infill does, given the same work as a language server.
#pragma once

#include <memory>
#include <string>

#include "benchmarks/latency/server_under_test.h"
#include "bytemodel/result.h"

namespace octet::benchmarks {

/// `url` is http://HOST:PORT/PATH. Each key's request has `input_prefix`, `input_suffix`, an empty `prompt`, `stream`, temperature 0, and
/// what `options` says besides ({"n_predict": 64}). A key withdraws the one before by closing its connection. Fails with kInvalidArgument
/// where the URL is none of these.
Result<std::unique_ptr<ServerUnderTest>> make_infill_server(const std::string& url, nlohmann::json options);

}  // namespace octet::benchmarks
