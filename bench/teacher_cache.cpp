// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: cache hits of the teacher cache. The logits of 128 views of 32 x 32 in 100 classes,
// read from the file in each storage format, against the forward pass of a ResNet-56.

#include "support/measure.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace rw = rolewise;

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  rw::dataset data;
  data.shape = {.channels = 3, .height = 32, .width = 32, .classes = 100};
  data.inputs = torch::randint(0, 256, {128, 3, 32, 32}, torch::kByte);
  data.labels = torch::randint(0, 100, {128}, torch::kLong);
  data.ids = torch::arange(128);
  data.normalization = {.mean = {.5, .5, .5}, .std = {.25, .25, .25}};
  data.name = "noise";

  const rw::cyclic_views shown{.views = 4, .agent = rw::rand_augment{}};
  const auto teacher = rw::frozen(rw::resnet56(data.shape));
  const auto view = rw::normalized(rw::make_views(data.examples(), shown, rw::no_agent{},
                                                  rw::no_agent{}, {.epoch = 1}, rw::seed{1})
                                       .teacher);
  const auto measure = [&](const char* name, rw::cache_options options) {
    options.path = (std::filesystem::temp_directory_path() /
                    ("rolewise-bench-" + std::to_string(::getpid()) + ".cache"))
                       .string();
    const auto remembers = rw::cached(
        teacher, data, rw::shown_views{.teacher_agent = shown, .seed = rw::seed{1}}, options);
    bench::print(bench::compare(
        name, 50.0, is_short ? 5 : 15, [&] { (void)remembers.forward(view); },
        [&] { (void)teacher.forward(view); }));
    std::remove(options.path.c_str());
  };
  measure("answers from the teacher cache, float32, against ResNet-56", {});
  measure("answers from the teacher cache, 5 of 100 in half precision, against ResNet-56",
          {.keep = 5, .as = torch::kFloat16});
}
