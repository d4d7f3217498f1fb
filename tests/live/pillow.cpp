// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes random images and the results of operations on them: live_pillow SEED CASES. pillow.py
// runs it and compares with Pillow.
//
// A case is a line of text: channels, height, width, number of steps; of each step the number of
// the operation, its value (a hexadecimal float), row and column. Then planes of bytes: the image,
// the result of the reference implementation, the result of the kernels.
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/trivial_augment_wide.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/sub_policy.hpp>

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <vector>

namespace rw = rolewise;
using rw::operation;

namespace {

/// The random draws of one case, in sequence.
class dice {
 public:
  explicit dice(const rw::draws& from) : from_{from} {}

  std::int64_t below(std::int64_t bound) { return from_.below(next_++, bound); }
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  double real(double low, double high) { return low + (high - low) * from_.uniform(next_++); }

 private:
  rw::draws from_;
  std::uint64_t next_ = 0;
};

/// One of six kinds: noise, a slope with noise, few values, narrow contrast, two values, one value.
torch::Tensor random_image(dice& drawn, std::int64_t channels, std::int64_t height,
                           std::int64_t width)
{
  const auto pixels = torch::empty({1, channels, height, width}, torch::kByte);
  const auto kind = drawn.below(6);
  auto at = pixels.accessor<std::uint8_t, 4>();
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto base = drawn.below(256), right = drawn.between(-9, 9), down = drawn.between(-9, 9);
    const auto other = drawn.below(256);
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t slope = base + right * x + down * y + drawn.below(8);
        const std::int64_t values[] = {drawn.below(256),
                                       std::clamp<std::int64_t>(slope, 0, 255),
                                       base / 2 + 17 * drawn.below(4),
                                       base / 2 + drawn.below(20),
                                       drawn.below(3) == 0 ? base : other,
                                       base};
        at[0][c][y][x] = static_cast<std::uint8_t>(values[kind]);
      }
  }
  return pixels;
}

/// A random parameter of an operation: one that some agent uses, or any valid one.
double random_value(dice& drawn, operation what, std::int64_t height, std::int64_t width)
{
  const auto some_level = [&] {
    switch (drawn.below(4)) {
      case 0:
        return rw::policy_parameter(what, drawn.below(what == operation::posterize ? 10 : 11));
      case 1:
        return rw::wide_parameter(what, drawn.below(31));
      default:
        return rw::auto_augment_parameter(
            what, drawn.below(10), height, width,
            drawn.below(2) == 0 ? rw::auto_augment_scale::even : rw::auto_augment_scale::published);
    }
  };
  const double sign = rw::has_sign(what) && drawn.below(2) == 0 ? -1.0 : 1.0;
  if (drawn.below(3) > 0) return sign * some_level();
  switch (what) {
    case operation::rotate:
      return drawn.below(4) == 0 ? 90.0 * static_cast<double>(drawn.between(-4, 4))
                                 : drawn.real(-400.0, 400.0);
    case operation::translate_x:
      return static_cast<double>(drawn.between(-width - 2, width + 2));
    case operation::translate_y:
      return static_cast<double>(drawn.between(-height - 2, height + 2));
    case operation::shear_x:
    case operation::shear_y:
      return drawn.real(-2.0, 2.0);
    case operation::posterize:
      return static_cast<double>(drawn.between(1, 8));
    case operation::solarize:
      return static_cast<double>(drawn.between(0, 256));
    case operation::cutout:
      return static_cast<double>(drawn.between(0, 1 + std::min(height, width)));
    default:
      return drawn.real(0.0, 3.0);
  }
}

/// An agent with the same steps for every image.
struct told_steps {
  static constexpr std::string_view name = "told-steps";
  [[maybe_unused]] static constexpr bool has_state = false;

  std::vector<rw::image_step> steps;

  void plan(const rw::image_subjects& subjects, const rw::training_progress&, rw::seed,
            rw::image_program& program) const
  {
    const auto planned = program.add_operations(steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s)
      std::fill_n(planned.begin() + static_cast<std::ptrdiff_t>(s * subjects.size()),
                  subjects.size(), steps[s]);
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
static_assert(rw::PlannedAgent<told_steps>);

torch::Tensor by_reference(const told_steps& told, const rw::batch& examples)
{
  rw::images work{examples.inputs, {}};
  const auto number = [](double v) { return torch::full({1}, v, torch::kFloat64); };
  for (const auto& [what, value, row, column] : told.steps)
    work = rw::apply(
        what, work,
        {number(value), number(static_cast<double>(row)), number(static_cast<double>(column))});
  return rw::filled(work, rw::mean_color(examples.normalization, examples.inputs.size(1)));
}

torch::Tensor by_kernels(const told_steps& told, const rw::batch& examples)
{
  rw::buffer_pool buffers;
  return rw::view_of(told, examples, {}, rw::seed{1}, {.dtype = torch::kByte}, buffers).inputs;
}

void write_bytes(const torch::Tensor& planes)
{
  const auto data = planes.contiguous();
  const auto count = static_cast<std::size_t>(data.numel());
  if (std::fwrite(data.const_data_ptr(), 1, count, stdout) != count)
    rw::throw_runtime_error("live_pillow", "cannot write to standard output");
}

void write_case(dice drawn, operation first)
{
  const std::int64_t channels = drawn.below(3) == 0 ? 1 : 3;
  const auto side = [&] {
    const auto kind = drawn.below(8);
    return kind == 0   ? drawn.between(1, 3)
           : kind == 1 ? drawn.between(65, 230)
                       : drawn.between(4, 64);
  };
  const auto height = side(), width = side();
  // Pillow has no operations on gray images with holes, so gray images undergo one operation.
  const auto count = channels == 1 ? 1 : drawn.between(1, 3);
  told_steps told;
  for (std::int64_t s = 0; s < count; ++s) {
    const auto what = s == 0 ? first : static_cast<operation>(drawn.below(rw::policy_operations));
    told.steps.push_back(
        {what, random_value(drawn, what, height, width), drawn.below(height), drawn.below(width)});
  }
  rw::batch examples{random_image(drawn, channels, height, width),
                     torch::zeros({1}, torch::kLong),
                     torch::zeros({1}, torch::kLong),
                     {}};
  // The fill of gray images: black, or the gray of Pillow's cutout.
  if (channels == 3)
    examples.normalization.mean = {125.0 / 255.0, 123.0 / 255.0, 114.0 / 255.0};
  else if (first == operation::cutout)
    examples.normalization.mean = {122.0 / 255.0};

  std::printf("%d %d %d %d", static_cast<int>(channels), static_cast<int>(height),
              static_cast<int>(width), static_cast<int>(count));
  for (const auto& [what, value, row, column] : told.steps)
    std::printf(" %d %a %d %d", static_cast<int>(what), value, static_cast<int>(row),
                static_cast<int>(column));
  std::printf("\n");
  write_bytes(examples.inputs);
  write_bytes(by_reference(told, examples));
  write_bytes(by_kernels(told, examples));
}

}  // namespace

int main(int argc, char** argv)
try {
  if (argc != 3) rw::throw_invalid_argument("live_pillow", "want a seed and a number of cases");
  const rw::seed key{std::strtoull(argv[1], nullptr, 10)};
  const auto cases = std::strtoll(argv[2], nullptr, 10);
  for (std::int64_t i = 0; i < cases; ++i)
    write_case(dice{rw::draws{key.split(rw::purpose{"live-pillow"}), 0, i}},
               static_cast<operation>(i % rw::policy_operations));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
