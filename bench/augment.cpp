// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: augmentation throughput. RandAugment(2, 5), crop, flip and normalization of a batch,
// against our own reference implementation and against Python libraries (bench/peers/augment.py),
// in turns. Microseconds per image.

#include "support/measure.hpp"
#include "support/peer.hpp"

#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <ATen/Parallel.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rw = rolewise;

namespace {

using agent = rw::compose<rw::rand_augment, rw::pad_crop_flip>;

rw::batch images(std::int64_t count, std::int64_t side)
{
  return {.inputs = torch::randint(0, 256, {count, 3, side, side}, torch::kByte),
          .labels = torch::zeros({count}, torch::kLong),
          .ids = torch::arange(count),
          .normalization = {.mean = {.4914, .4822, .4465}, .std = {.2470, .2435, .2616}}};
}

/// Times view generation, in microseconds per image. Each batch uses a new epoch, so that no view
/// repeats.
class maker {
 public:
  maker(std::int64_t count, std::int64_t side) : examples_{images(count, side)} {}

  template<typename Agent>
  double by_kernels(const Agent& shown_by)
  {
    return each([&](const rw::training_progress& progress) {
      (void)rw::view_of(shown_by, examples_, progress, rw::seed{1}, {}, buffers_);
    });
  }

  template<typename Agent>
  double by_reference(const Agent& shown_by)
  {
    return each([&](const rw::training_progress& progress) {
      const auto& x = examples_.inputs;
      rw::image_program program{static_cast<std::size_t>(examples_.size())};
      shown_by.plan({{examples_.ids.const_data_ptr<std::int64_t>(), program.images()},
                     x.size(1),
                     x.size(2),
                     x.size(3)},
                    progress, rw::seed{1}, program);
      auto view = examples_;
      view.inputs = rw::detail::carry_out(program, x, rw::mean_color(view.normalization, 3));
      (void)rw::normalized_inputs(view);
    });
  }

 private:
  template<typename F>
  double each(F&& f)
  {
    constexpr int batches = 8;
    const double taken = bench::milliseconds([&] {
      for (int i = 0; i < batches; ++i) f(rw::training_progress{.epoch = epoch_++});
    });
    return taken * 1e3 / static_cast<double>(batches * examples_.size());
  }

  rw::batch examples_;
  rw::buffer_pool buffers_;
  std::int64_t epoch_ = 0;
};

/// Measures both in turns; reports on standard error if the baseline returns no time.
void compare(const std::string& name, double goal, int repetitions,
             const std::function<double()>& ours,
             const std::function<std::optional<double>()>& baseline)
{
  std::vector<double> a, b;
  ours();
  if (!baseline()) {
    std::fprintf(stderr, "left out, for want of an answer: %s\n", name.c_str());
    return;
  }
  for (int i = 0; i < repetitions; ++i) {
    a.push_back(ours());
    const auto found = baseline();
    if (!found) return;
    b.push_back(*found);
  }
  bench::print({name, bench::median(a), bench::median(b), *std::min_element(a.begin(), a.end()),
                *std::min_element(b.begin(), b.end()), "us per image", goal});
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  const int repetitions = is_short ? 7 : 25;
  const agent whole{rw::rand_augment{.operations = 2, .magnitude = 5}, rw::pad_crop_flip{}};
  const rw::pad_crop_flip crop{};
  maker small{128, 32}, many{512, 32}, large{32, 224};
  bench::peer python{ROLEWISE_PEERS "/augment.py"};
  const auto against = [&](const std::string& who, const std::string& chain, int side, int count,
                           double goal, const std::function<double()>& ours) {
    const auto words =
        chain == "rand" ? "RandAugment(2, 5), crop, flip, normalize, " : "crop, flip, normalize, ";
    const auto size = std::to_string(side);
    compare(
        words + size + "x" + size + "x3, one thread, against " + who, goal, repetitions, ours,
        [&] { return python.ask(who + " " + chain + " " + size + " " + std::to_string(count)); });
  };

  at::set_num_threads(1);
  const auto small_whole = [&] { return small.by_kernels(whole); };
  const auto small_crop = [&] { return small.by_kernels(crop); };
  const auto large_whole = [&] { return large.by_kernels(whole); };
  compare("RandAugment(2, 5), crop, flip, normalize, 32x32x3, one thread, against our reference",
          10, repetitions, small_whole, [&] { return small.by_reference(whole); });
  against("Pillow", "rand", 32, is_short ? 128 : 512, 30, small_whole);
  against("torchvision", "rand", 32, is_short ? 64 : 256, 60, small_whole);
  against("kornia", "rand", 32, is_short ? 32 : 128, 100, small_whole);
  compare("crop, flip, normalize, 32x32x3, one thread, against our reference", 5, repetitions,
          small_crop, [&] { return small.by_reference(crop); });
  against("Pillow", "crop", 32, is_short ? 256 : 512, 20, small_crop);
  against("kornia-batch", "crop", 32, 512, 8, small_crop);
  against("Pillow", "rand", 224, is_short ? 16 : 32, 10, large_whole);

  const auto against_pillow = [&](maker& views, const std::string& size, rw::interpolation between,
                                  double goal) {
    const rw::composed_warps<agent> composed{whole, between};
    compare(
        "RandAugment(2, 5), crop, flip, normalize, " + size + ", one thread, composed warps " +
            std::string{rw::name(between)} + " against the fidelity of Pillow",
        goal, repetitions, [&] { return views.by_kernels(composed); },
        [&] { return views.by_kernels(whole); });
  };
  against_pillow(small, "32x32x3", rw::interpolation::nearest, 1);
  against_pillow(small, "32x32x3", rw::interpolation::bilinear, 0.5);
  against_pillow(large, "224x224x3", rw::interpolation::nearest, 1);
  against_pillow(large, "224x224x3", rw::interpolation::bilinear, 0.5);

  compare(
      "RandAugment(2, 5), crop, flip, normalize, 32x32x3, 512 of them, two threads against one",
      1.8, 3 * repetitions,
      [&] {
        at::set_num_threads(2);
        return many.by_kernels(whole);
      },
      [&] {
        at::set_num_threads(1);
        return many.by_kernels(whole);
      });
}
