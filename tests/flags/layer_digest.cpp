// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels for resizing and hue return the bits of the reference implementation, whatever flags
// this file is compiled with.

#include "support/layer_digest.hpp"
#include "support/kernel_digest.hpp"

#include <rolewise/agent/detail/kernels/hue.hpp>
#include <rolewise/agent/detail/kernels/resize.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>

#include <cstdio>

namespace kernels = rolewise::detail::kernels;
using namespace rolewise::tests;

int main()
{
  const auto image = digest_image();
  int wrong = 0;
  for (const auto* set : kernels::runnable()) {
    kernels::canvas canvas{*set};
    std::uint32_t found = 2166136261U;
    const auto add = [&] {
      for (std::size_t c = 0; c < 3; ++c) found = digest(found, canvas.planes()[c], canvas.count());
    };
    for (const auto& [box, to] : layer_digest_cases()) {
      canvas.load(image.data(), 3, digest_height, digest_width);
      kernels::resize(canvas, box, to);
      add();
    }
    for (int by = 0; by < 256; ++by) {
      canvas.load(image.data(), 3, digest_height, digest_width);
      kernels::turn_hue(canvas, static_cast<std::uint8_t>(by));
      add();
    }
    std::printf("%s: %08x, want %08x\n", set->name, found, layer_digest);
    wrong += found == layer_digest ? 0 : 1;
  }
  return wrong == 0 ? 0 : 1;
}
