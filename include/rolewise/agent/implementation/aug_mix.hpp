// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/aug_mix.hpp>.

#include <rolewise/agent/aug_mix.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE double aug_mix_parameter(operation what, double level, std::int64_t height,
                                         std::int64_t width)
{
  const auto along = [&](std::int64_t side) {
    return std::trunc(level * (static_cast<double>(side) / 3.0) / 10.0);
  };
  if (is_enhancer(what)) return level * 1.8 / 10.0 + 0.1;
  switch (what) {
    case operation::rotate:
      return std::trunc(level * 30.0 / 10.0);
    case operation::shear_x:
    case operation::shear_y:
      return level * 0.3 / 10.0;
    case operation::translate_x:
      return along(width);
    case operation::translate_y:
      return along(height);
    case operation::posterize:
      return 4.0 - std::trunc(level * 4.0 / 10.0);
    case operation::solarize:
      return 256.0 - std::trunc(level * 256.0 / 10.0);
    default:
      return 0.0;
  }
}

ROLEWISE_INLINE batch aug_mix::operator()(const batch& examples, const training_progress& progress,
                                          seed key) const
{
  require_images(name, examples);
  refuse_label_maps(name, examples, "a pixel is a mean of those that several warps put there");
  require_settings();
  auto view = examples;
  const auto count = examples.size();
  if (count == 0) return view;
  const auto shares = shares_of(examples, progress, key).to(examples.inputs.device());
  view.inputs = at::empty_like(examples.inputs, torch::MemoryFormat::Contiguous);
  const auto piece = pieces_of(examples.inputs);
  auto part = examples;
  for (std::int64_t first = 0; first < count; first += piece) {
    const auto size = std::min(piece, count - first);
    part.inputs = examples.inputs.narrow(0, first, size);
    part.ids = examples.ids.narrow(0, first, size);
    view.inputs.narrow(0, first, size)
        .copy_(blended(part, shares.narrow(0, first, size), progress, key));
  }
  return view;
}

ROLEWISE_INLINE void aug_mix::plan_chain(std::int64_t chain, const image_subjects& subjects,
                                         const training_progress& progress, seed key,
                                         image_program& program) const
{
  const auto own = key.split(purpose{"aug-mix chain"}).split(static_cast<std::uint64_t>(chain));
  const auto most = depth < 0 ? std::int64_t{3} : depth;
  const auto steps = program.add_operations(static_cast<std::size_t>(most));
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    const auto count = static_cast<std::size_t>(depth < 0 ? 1 + of_image.below(0, most) : depth);
    for (std::size_t step = 0; step < count; ++step)
      steps[step * subjects.size() + n] = drawn(of_image, 1 + 3 * step, subjects);
  }
  program.add_fill();
}

ROLEWISE_INLINE torch::Tensor aug_mix::shares_of(const batch& examples,
                                                 const training_progress& progress, seed key) const
{
  const auto chains = static_cast<std::size_t>(width);
  const auto shares = at::empty({examples.size(), 1 + width}, torch::kFloat);
  auto* out = shares.mutable_data_ptr<float>();
  const auto ids = detail::readable_ids(examples);
  std::vector<double> weights(chains);
  for (std::int64_t n = 0; n < examples.size(); ++n) {
    const auto id = ids.const_data_ptr<std::int64_t>()[n];
    const double mixed =
        beta_draw({key.split(purpose{"aug-mix share"}), progress.epoch, id}, alpha, alpha);
    const draws of_weights{key.split(purpose{"aug-mix weights"}), progress.epoch, id};
    for (std::size_t chain = 0; chain < chains; ++chain)
      weights[chain] = detail::log_gamma_draw(of_weights, alpha, chain << 20);
    const double highest = *std::max_element(weights.begin(), weights.end());
    double sum = 0.0;
    for (auto& weight : weights) {
      weight = std::exp(weight - highest);
      sum += weight;
    }
    *out++ = static_cast<float>(1.0 - mixed);
    for (const double weight : weights) *out++ = static_cast<float>(mixed * weight / sum);
  }
  return shares;
}

ROLEWISE_INLINE std::int64_t aug_mix::pieces_of(const torch::Tensor& inputs)
{
  if (!inputs.device().is_cpu()) return inputs.size(0);
  constexpr std::int64_t values = std::int64_t{1} << 17;
  return std::max<std::int64_t>(1, values / (inputs.numel() / inputs.size(0)));
}

ROLEWISE_INLINE torch::Tensor aug_mix::blended(const batch& part, const torch::Tensor& shares,
                                               const training_progress& progress, seed key) const
{
  const auto share = [&](std::int64_t column) {
    return shares.select(1, column).view({-1, 1, 1, 1});
  };
  auto blend = part.inputs.to(torch::kFloat).mul_(share(0));
  for (std::int64_t chain = 0; chain < width; ++chain) {
    const auto end = detail::planned_view(
        [&](const image_subjects& subjects, image_program& program) {
          plan_chain(chain, subjects, progress, key, program);
        },
        part);
    blend.add_(end.inputs.to(torch::kFloat).mul_(share(1 + chain)));
  }
  return blend.round_().clamp_(0.0, 255.0);
}

ROLEWISE_INLINE image_step aug_mix::drawn(const draws& of_image, std::uint64_t first,
                                          const image_subjects& subjects) const
{
  const auto count = static_cast<std::int64_t>(known.size()) - (all_operations ? 0 : 4);
  const auto what = known[static_cast<std::size_t>(of_image.below(first, count))];
  const double level = of_image.uniform(first + 1, 0.1, static_cast<double>(severity));
  const auto value = aug_mix_parameter(what, level, subjects.height, subjects.width);
  return {what, has_sign(what) && of_image.coin(first + 2) ? -value : value};
}

ROLEWISE_INLINE void aug_mix::require_settings() const
{
  constexpr std::int64_t most_chains = 1024;  // each has 2^20 draws of its own
  if (width < 1 || width > most_chains)
    throw_invalid_argument(name, "width is ", width, ", want 1 .. ", most_chains);
  if (depth != -1 && depth < 1)
    throw_invalid_argument(name, "depth is ", depth, ", want at least 1, or -1");
  if (severity < 1 || severity > 10)
    throw_invalid_argument(name, "severity is ", severity, ", want 1 .. 10");
  if (!(alpha > 0.0 && std::isfinite(alpha)))
    throw_invalid_argument(name, "alpha is ", alpha, ", want more than 0, and finite");
}

}  // namespace rolewise
