// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Composed operations return the bits of the reference implementation, whatever flags this file is
// compiled with.

#include "support/warp_digest.hpp"
#include "support/kernel_digest.hpp"

#include <rolewise/agent/detail/kernels/operate.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>
#include <rolewise/agent/detail/kernels/warp.hpp>

#include <cstdio>

namespace kernels = rolewise::detail::kernels;
using namespace rolewise::tests;

namespace {

/// Replaces `run_program`, which needs LibTorch. Needs no windows: all are composed into the warps.
void run(kernels::canvas& image, const rolewise::image_program& program, std::size_t n,
         const std::uint8_t* color)
{
  using kind = rolewise::image_program::kind;
  for (const auto& layer : program.layers()) {
    if (layer.does == kind::operations) {
      const auto& step = program.operations(layer)[n];
      kernels::operate(image, step.what, step.value, step.row, step.column, layer.rounding);
    } else if (layer.does == kind::warps) {
      kernels::warp_image(image, program.warps(layer)[n]);
    }
  }
  image.fill(color);
}

}  // namespace

int main()
{
  const auto image = digest_image();
  constexpr std::size_t count = digest_height * digest_width;
  const std::uint8_t color[3]{125, 123, 114};
  int wrong = 0;
  for (const auto* set : kernels::runnable()) {
    kernels::canvas canvas{*set};
    std::uint32_t found = 2166136261U;
    for (const auto between :
         {rolewise::interpolation::nearest, rolewise::interpolation::bilinear}) {
      const auto program = warp_program(digest_height, digest_width, between);
      for (std::size_t n = 0; n < warp_cases; ++n) {
        canvas.load(image.data(), 3, digest_height, digest_width);
        run(canvas, program, n, color);
        for (std::size_t c = 0; c < 3; ++c) found = digest(found, canvas.planes()[c], count);
      }
    }
    std::printf("%s: %08x, want %08x\n", set->name, found, warp_digest);
    wrong += found == warp_digest ? 0 : 1;
  }
  return wrong == 0 ? 0 : 1;
}
