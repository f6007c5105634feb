// Catch2 beside LibTorch, whose logging library has macros of the same names. Include this first.
#pragma once

#include <torch/types.h>

#undef CHECK
#undef REQUIRE
#include <catch2/catch.hpp>
