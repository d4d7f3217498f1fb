// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/planned_view.hpp>.

#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/detail/carry_out_maps.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/run_program.hpp>
#include <rolewise/agent/label_maps.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rolewise::detail {

ROLEWISE_INLINE bool kernels_move_maps(const batch& examples)
{
  const auto& weights = examples.weights;
  return label_maps_fit(examples) && weights_fit(examples) && examples.labels.device().is_cpu() &&
         (!weights.defined() || weights.device().is_cpu());
}

ROLEWISE_INLINE bool fits_kernels(const batch& examples)
{
  constexpr std::int64_t most_pixels = std::int64_t{1} << 28;
  const auto& x = examples.inputs;
  if (!x.defined() || x.dim() != 4 || x.scalar_type() != torch::kByte || !x.device().is_cpu())
    return false;
  if (x.numel() == 0 || (x.size(1) != 1 && x.size(1) != 3) || x.size(2) > most_pixels / x.size(3))
    return false;
  const auto& ids = examples.ids;
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 ||
      ids.size(0) != x.size(0) || !ids.device().is_cpu())
    return false;
  if (has_label_maps(examples) && !kernels_move_maps(examples)) return false;
  const auto channels = static_cast<std::size_t>(x.size(1));
  const auto fits = [&](const std::vector<double>& v) { return v.empty() || v.size() == channels; };
  return fits(examples.normalization.mean) && fits(examples.normalization.std);
}

ROLEWISE_INLINE torch::Tensor readable_ids(const batch& examples)
{
  return examples.ids.cpu().contiguous();
}

ROLEWISE_INLINE bool changes_nothing(plan_function plan, const batch& examples)
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

ROLEWISE_INLINE batch planned_view(plan_function plan, const batch& examples)
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
