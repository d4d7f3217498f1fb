// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The quantizer kernels return the bits of scalar loops, whatever flags this file is compiled with.

#include "support/quant_digest.hpp"

#include <rolewise/quant/detail/kernels/variants.hpp>

#include <cstdio>

int main()
{
  using namespace rolewise::tests;
  int wrong = 0;
  for (const auto* set : rolewise::detail::quant_kernels::runnable()) {
    const auto found = digest_of_set(*set);
    std::printf("%s: %08x, want %08x\n", set->name, found, quant_digest);
    wrong += found == quant_digest ? 0 : 1;
  }
  return wrong == 0 ? 0 : 1;
}
