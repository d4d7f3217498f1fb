// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The image kernels return the bits of the reference implementation, whatever flags this file is
// compiled with.

#include "support/kernel_digest.hpp"

#include <rolewise/agent/detail/kernels/operate.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>

#include <cstdio>

namespace kernels = rolewise::detail::kernels;
using namespace rolewise::tests;

int main()
{
  const auto image = digest_image();
  constexpr std::size_t count = digest_height * digest_width;
  const std::uint8_t black[3]{};
  const kernels::scale by{{125.0F, 122.5F, 113.25F}, {0.0157F, 0.0161F, 0.0149F}};
  std::vector<float> numbers(3 * count);
  int wrong = 0;
  for (const auto* set : kernels::runnable()) {
    kernels::canvas canvas{*set};
    std::uint32_t found = 2166136261U;
    for (const auto& [what, value] : digest_cases()) {
      canvas.load(image.data(), 3, digest_height, digest_width);
      kernels::operate(canvas, what, value, 11, 7, rolewise::gray_rounding::nearest);
      canvas.fill(black);
      for (std::size_t c = 0; c < 3; ++c) found = digest(found, canvas.planes()[c], count);
      set->to_float(canvas.planes(), 3, count, by, kernels::layout::channels_last, numbers.data());
      found = digest(found, numbers.data(), numbers.size() * sizeof(float));
    }
    std::printf("%s: %08x, want %08x\n", set->name, found, kernel_digest);
    wrong += found == kernel_digest ? 0 : 1;
  }
  return wrong == 0 ? 0 : 1;
}
