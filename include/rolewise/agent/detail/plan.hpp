// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which operations a batch undergoes, and the carrying out of it.

#include <rolewise/agent/operations.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// One operation on one image.
struct planned_step {
  operation what = operation::identity;
  double value = 0.0;
  std::int64_t row = 0;
  std::int64_t column = 0;
};

/// Up to `steps` operations on each of N images, decided before any of them is done.
class augmentation_plan {
 public:
  augmentation_plan(std::int64_t images, std::int64_t steps)
      : images_{images}, steps_{steps}, planned_(static_cast<std::size_t>(images * steps))
  {}

  [[nodiscard]] std::int64_t images() const noexcept { return images_; }
  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  [[nodiscard]] planned_step& at(std::int64_t step, std::int64_t image)
  {
    return planned_[static_cast<std::size_t>(step * images_ + image)];
  }
  [[nodiscard]] const planned_step& at(std::int64_t step, std::int64_t image) const
  {
    return planned_[static_cast<std::size_t>(step * images_ + image)];
  }

 private:
  std::int64_t images_;
  std::int64_t steps_;
  std::vector<planned_step> planned_;
};

/// One step of a plan for the images `places`, which all undergo the same operation.
[[nodiscard]] inline operation_parameters parameters_of(const augmentation_plan& plan,
                                                        std::int64_t step,
                                                        const std::vector<std::int64_t>& places)
{
  const auto count = static_cast<std::int64_t>(places.size());
  const auto numbers = torch::empty({3, count}, torch::kFloat64);
  auto* out = numbers.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& planned = plan.at(step, places[static_cast<std::size_t>(i)]);
    out[i] = planned.value;
    out[count + i] = static_cast<double>(planned.row);
    out[2 * count + i] = static_cast<double>(planned.column);
  }
  return {numbers.select(0, 0), numbers.select(0, 1), numbers.select(0, 2)};
}

/// Puts `part`, the new `places` of `whole`, where it belongs; `untouched` is never written to.
inline void put_back(images& whole, const torch::Tensor& places, const images& part,
                     const torch::Tensor& untouched)
{
  if (whole.pixels.is_same(untouched))
    whole.pixels = untouched.clone(torch::MemoryFormat::Contiguous);
  whole.pixels.index_copy_(0, places, part.pixels);
  if (!part.covered.defined() && !whole.covered.defined()) return;
  if (!whole.covered.defined())
    whole.covered =
        torch::ones({whole.size(), 1, whole.pixels.size(2), whole.pixels.size(3)},
                    torch::TensorOptions{}.dtype(torch::kBool).device(whole.pixels.device()));
  if (part.covered.defined())
    whole.covered.index_copy_(0, places, part.covered);
  else
    whole.covered.index_fill_(0, places, true);
}

/// The images after a plan, holes filled with a colour. For each step, the images that undergo the
/// same operation undergo it together.
/// @param pixels `[N, C, H, W]`, uint8; returned itself if nothing is planned
[[nodiscard]] inline torch::Tensor carry_out(const augmentation_plan& plan,
                                             const torch::Tensor& pixels,
                                             const std::vector<std::uint8_t>& colour,
                                             grey_rounding rounding = grey_rounding::nearest)
{
  images whole{pixels, {}};
  std::array<std::vector<std::int64_t>, policy_operations> places;
  for (std::int64_t step = 0; step < plan.steps(); ++step) {
    for (auto& of_operation : places) of_operation.clear();
    for (std::int64_t n = 0; n < plan.images(); ++n) {
      const auto what = plan.at(step, n).what;
      if (what != operation::identity) places[static_cast<std::size_t>(what)].push_back(n);
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i].empty()) continue;
      const auto index = torch::tensor(places[i], torch::kLong).to(pixels.device());
      const images part{
          whole.pixels.index_select(0, index),
          whole.covered.defined() ? whole.covered.index_select(0, index) : torch::Tensor{}};
      put_back(
          whole, index,
          apply(static_cast<operation>(i), part, parameters_of(plan, step, places[i]), rounding),
          pixels);
    }
  }
  return filled(whole, colour);
}

/// The ids of a batch, to read on the CPU.
[[nodiscard]] inline torch::Tensor readable_ids(const batch& examples)
{
  return examples.ids.cpu().contiguous();
}

}  // namespace rolewise::detail
