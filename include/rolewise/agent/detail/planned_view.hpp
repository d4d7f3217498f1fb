// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Views of planned agents: execution by kernels or by the reference implementation.

#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/detail/carry_out_maps.hpp>
#include <rolewise/agent/detail/run_program.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rolewise::detail {

/// Returns the ids of a batch, contiguous and on the CPU.
[[nodiscard]] inline torch::Tensor readable_ids(const batch& examples)
{
  return examples.ids.cpu().contiguous();
}

/// Whether a plan changes no image of a batch. Plans a few images at a time and returns at the
/// first change.
template<typename Plan>
[[nodiscard]] bool changes_nothing(const Plan& plan, const batch& examples)
{
  constexpr std::int64_t at_a_time = 8;
  const auto& x = examples.inputs;
  const auto ids = readable_ids(examples);
  const auto* const id = ids.const_data_ptr<std::int64_t>();
  image_program program;
  std::int64_t first = 0;
  do {
    const auto count = static_cast<std::size_t>(std::min(at_a_time, x.size(0) - first));
    program.restart(count);
    plan(image_subjects{{id + first, count}, x.size(1), x.size(2), x.size(3)}, program);
    if (!program.changes_nothing()) return false;
    first += at_a_time;
  } while (first < x.size(0));
  return true;
}

/// Returns the batch after a plan, `uint8`: by kernels on the CPU, by the reference
/// implementation elsewhere. Label maps, and weights for each pixel, move along. If nothing is
/// planned, the result shares the tensors of the batch.
/// @param plan called with `(const image_subjects&, image_program&)`, from several threads at once
/// @pre `examples` satisfies `require_images`
template<typename Plan>
[[nodiscard]] batch planned_view(const Plan& plan, const batch& examples)
{
  auto view = examples;
  if (changes_nothing(plan, examples)) {
    if (has_label_maps(examples))
      if (const auto weights = weights_of_pixels(examples); weights.defined())
        view.weights = weights;
    return view;
  }
  const auto& x = examples.inputs;
  if (fits_kernels(examples)) {
    const auto size = planned_size(plan, x);
    view.inputs = at::empty({x.size(0), x.size(1), size.height, size.width}, torch::kByte);
    const auto maps = maps_of(examples, size, [](at::IntArrayRef sizes, torch::ScalarType dtype) {
      return at::empty(sizes, dtype);
    });
    run_batch(plan, examples,
              {torch::kByte,
               kernels::layout::planes,
               {},
               view.inputs.mutable_data_ptr(),
               size.height,
               size.width},
              maps);
    maps.put_into(view);
    return view;
  }
  const auto ids = readable_ids(examples);
  image_program program{static_cast<std::size_t>(x.size(0))};
  plan(image_subjects{{ids.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(x.size(0))},
                      x.size(1),
                      x.size(2),
                      x.size(3)},
       program);
  view.inputs = carry_out(program, x, mean_color(examples.normalization, x.size(1)));
  carry_out_maps(program, examples, view);
  return view;
}

}  // namespace rolewise::detail
