// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/pillow_real_digests.hpp"

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/trivial_augment_wide.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/data/cifar.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/policy/augmentation_policy.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace rw = rolewise;
using rw::operation;

namespace {

/// CRC-32, as Python's zlib computes it.
std::uint32_t digest_of(const torch::Tensor& bytes)
{
  const auto data = bytes.contiguous();
  return static_cast<std::uint32_t>(
      ::crc32(0, data.const_data_ptr<std::uint8_t>(), static_cast<uInt>(data.numel())));
}

/// The images of a file of the data folder; each file is read once.
torch::Tensor images_of(const std::string& file)
{
  static std::map<std::string, torch::Tensor> known;
  auto& found = known[file];
  if (found.defined()) return found;
  const std::string path = std::string{std::getenv("ROLEWISE_TEST_DATA")} + "/" + file;
  found = file.ends_with(".bin.gz") ? rw::cifar10(path.substr(0, path.rfind('/'))).test.inputs
                                    : rw::read_idx(path);
  return found;
}

/// The images of a crop, uint8 `[N, C, H, W]`; one channel is the red one.
torch::Tensor images_of(const rw::tests::real_crop& crop, std::int64_t channels)
{
  const auto whole = images_of(std::string{crop.file});
  std::vector<torch::Tensor> found;
  for (std::int64_t i = 0; i < crop.count; ++i) {
    std::vector<torch::Tensor> rows;
    for (std::int64_t row = 0; row < crop.rows; ++row) {
      std::vector<torch::Tensor> columns;
      for (std::int64_t column = 0; column < crop.columns; ++column)
        columns.push_back(
            whole[crop.first + crop.step * ((i * crop.rows + row) * crop.columns + column)]);
      rows.push_back(torch::cat(columns, 2));
    }
    found.push_back(torch::cat(rows, 1)
                        .narrow(0, 0, channels)
                        .narrow(1, crop.top, crop.height)
                        .narrow(2, crop.left, crop.width));
  }
  return torch::stack(found);
}

/// Every level of Population Based Augmentation and of TrivialAugment's wide space, with both
/// signs.
std::vector<double> values_of(operation what)
{
  if (what == operation::invert || what == operation::equalize || what == operation::autocontrast)
    return {0.0};
  std::vector<double> values;
  const auto add = [&](double value) {
    values.push_back(value);
    if (rw::has_sign(what) && value != 0.0) values.push_back(-value);
  };
  // Level 10 keeps no bit, which Pillow 13 refuses.
  const std::int64_t highest = what == operation::posterize ? 9 : 10;
  for (std::int64_t level = 0; level <= highest; ++level) add(rw::policy_parameter(what, level));
  if (what == operation::cutout) return values;
  for (std::int64_t level = 0; level <= 30; ++level) add(rw::wide_parameter(what, level));
  return values;
}

/// An agent that applies one operation with a value for each id; boxes are where
/// support/pillow_digests.py cuts them.
struct told_values {
  static constexpr std::string_view name = "told-values";
  [[maybe_unused]] static constexpr bool has_state = false;

  operation what;
  std::vector<double> values;

  [[nodiscard]] rw::image_step step(std::size_t i, std::int64_t height, std::int64_t width) const
  {
    if (what != operation::cutout) return {what, values[i]};
    const auto v = static_cast<std::int64_t>(values[i]);
    const auto column = width * (6 - v);
    return {what, values[i], height * v / 6, (column < 0 ? column - 6 : column) / 7};
  }
  void plan(const rw::image_subjects& subjects, const rw::training_progress&, rw::seed,
            rw::image_program& program) const
  {
    const auto steps = program.add_operations();
    for (std::size_t n = 0; n < subjects.size(); ++n)
      steps[n] = step(static_cast<std::size_t>(subjects.ids[n]), subjects.height, subjects.width);
  }
  [[nodiscard]] rw::batch operator()(const rw::batch& examples,
                                     const rw::training_progress& progress, rw::seed key) const
  {
    return rw::detail::planned_view(
        [&](const rw::image_subjects& subjects, rw::image_program& program) {
          plan(subjects, progress, key, program);
        },
        examples);
  }
};
static_assert(rw::PlannedAgent<told_values>);

/// The output of the kernels; holes are black, and boxes have the color that Population Based
/// Augmentation cuts.
torch::Tensor by_kernels(const told_values& told, const torch::Tensor& images)
{
  rw::batch examples{
      images, torch::zeros({images.size(0)}, torch::kLong), torch::arange(images.size(0)), {}};
  if (told.what == operation::cutout)
    examples.normalization.mean =
        images.size(1) == 1 ? std::vector<double>{122.0 / 255.0}
                            : std::vector<double>{125.0 / 255.0, 122.0 / 255.0, 113.0 / 255.0};
  rw::buffer_pool buffers;
  return rw::view_of(told, examples, {}, rw::seed{1}, {.dtype = torch::kByte}, buffers)
      .inputs.clone();
}

/// The output of the tensor operations, computed for a few images at a time.
torch::Tensor by_reference(const told_values& told, const torch::Tensor& images)
{
  const auto count = images.size(0), height = images.size(2), width = images.size(3);
  const auto numbers = torch::empty({3, count}, torch::kFloat64);
  auto at = numbers.accessor<double, 2>();
  for (std::int64_t n = 0; n < count; ++n) {
    const auto step = told.step(static_cast<std::size_t>(n), height, width);
    at[0][n] = step.value;
    at[1][n] = static_cast<double>(step.row);
    at[2][n] = static_cast<double>(step.column);
  }
  const auto result = torch::empty_like(images);
  const auto at_a_time =
      std::max<std::int64_t>((std::int64_t{1} << 20) / (images.size(1) * height * width), 1);
  for (std::int64_t first = 0; first < count; first += at_a_time) {
    const auto some = std::min(at_a_time, count - first);
    const auto part = numbers.narrow(1, first, some);
    result.narrow(0, first, some)
        .copy_(rw::apply(told.what, {images.narrow(0, first, some), {}},
                         {part.select(0, 0), part.select(0, 1), part.select(0, 2)})
                   .pixels);
  }
  return result;
}

/// A line for each value, as `pillow_real_digests.py DATA --levels` prints it.
std::string digest_lines(const std::vector<double>& values, const torch::Tensor& pixels)
{
  std::string lines;
  const auto count = pixels.size(0) / static_cast<std::int64_t>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "%.6f 0x%08X\n", values[i],
                  digest_of(pixels.narrow(0, static_cast<std::int64_t>(i) * count, count)));
    lines += line;
  }
  return lines;
}

}  // namespace

TEST_CASE("every operation at every level gives Pillow's bytes of real images of five sizes")
{
  if (std::getenv("ROLEWISE_TEST_DATA") == nullptr) {
    MESSAGE("skipped: ROLEWISE_TEST_DATA is not set");
    return;
  }
  std::int64_t compared = 0;
  for (const auto& [what, channels, number, crc] : rw::tests::real_digests) {
    const auto& crop = rw::tests::real_crops[number];
    CAPTURE(rw::name(what));
    CAPTURE(channels);
    CAPTURE(crop.height);
    CAPTURE(crop.width);
    const auto images = images_of(crop, channels);
    const auto values = values_of(what);
    told_values told{what, {}};
    for (const double value : values)
      told.values.insert(told.values.end(), static_cast<std::size_t>(crop.count), value);
    const auto all = images.repeat({static_cast<std::int64_t>(values.size()), 1, 1, 1});

    const auto kernels = by_kernels(told, all);
    const auto reference = by_reference(told, all);
    if (digest_of(kernels) != crc)
      FAIL_CHECK("kernels differ from Pillow; they have\n" << digest_lines(values, kernels));
    if (digest_of(reference) != crc)
      FAIL_CHECK("the reference differs from Pillow; it has\n" << digest_lines(values, reference));
    ++compared;
  }
  CHECK(compared == 2 * 5 * rw::policy_operations);
}
