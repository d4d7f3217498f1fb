// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: peak memory of a search against its estimate. The peak resident memory during the
// search, less what was resident before it, against the estimate of `memory_of_search` without the
// data and the teacher, which were allocated before. glibc's allocator is set to return blocks from
// 64 KiB to the system: by default it stops returning large blocks once some have been freed, and
// up to 1.8 times the requested memory stays resident.

#include "support/measure.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/shared_teacher.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/search_memory.hpp>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

#include <malloc.h>

namespace rw = rolewise;

namespace {

/// The value of a line of /proc/self/status, in megabytes.
double resident(const std::string& line)
{
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;)
    if (word == line) {
      double kilobytes = 0.0;
      status >> kilobytes;
      return kilobytes * 1024.0 / 1e6;
    }
  throw std::runtime_error{"search_memory: /proc/self/status has no " + line};
}

}  // namespace

int main(int argc, char** argv)
try {
  const bool is_short = bench::is_short(argc, argv);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 16);
  at::set_num_threads(1);
  const auto data = rw::glyphs(
      {.height = 32, .width = 32, .channels = 3, .train = is_short ? 256 : 512, .test = 128});
  const rw::shared_teacher master{
      rw::frozen(rw::resnet20(data.shape, {}, {}, {.seed = rw::seed{1}}))};
  const rw::search::search_space space{
      {"rate", rw::search::real_interval{1e-3, 1e-1, rw::search::spacing::logarithmic}}};
  const auto factory = [&](const rw::search::configuration& at, std::int64_t, rw::seed own) {
    return rw::distillation{
        .teacher = master,
        .student = rw::resnet8(data.shape, {}, {}, {.seed = own}),
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
        .optimizer = rw::sgd{.learning_rate = at.real("rate")}};
  };
  const auto metric = [&](const auto& step) {
    return rw::evaluate(step.evaluated(), data.test, {.batch_size = 64}).top1;
  };
  for (const std::int64_t max_concurrent_trials : {1, 2}) {
    const rw::search_run_options options{.trials = 16,
                                         .epochs = 1,
                                         .batch_size = 64,
                                         .max_concurrent_trials = max_concurrent_trials,
                                         .threads_per_trial = 1};
    const auto told = rw::memory_of_search(factory, space, data.train, options);
    std::fprintf(stderr, "%s\n", told.text().c_str());
    ::malloc_trim(0);
    std::ofstream{"/proc/self/clear_refs"} << "5";  // resets the peak, VmHWM
    const double before = resident("VmRSS:");
    {
      const auto found =
          rw::run_search(rw::search::random_search{}, space, factory, metric, data.train, options);
      if (found.steps.size() != 16) throw std::runtime_error{"search_memory: trials are lost"};
    }
    const double most = resident("VmHWM:") - before;
    const double estimate = static_cast<double>(told.population() + told.in_training()) / 1e6;
    bench::print({"memory of a search of 16 trials, " + std::to_string(max_concurrent_trials) +
                      " at once, against what was said before",
                  most, estimate, most, estimate, "MB", 0.9});
  }
  return 0;
} catch (const std::exception& wrong) {
  std::fprintf(stderr, "%s\n", wrong.what());
  return 1;
}
