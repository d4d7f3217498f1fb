// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory allocations per batch after a warm-up. `operator new` of the whole test program is
// replaced by one that counts.

#include "support/counting_allocator.hpp"
#include "support/doctest.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/detail/prepared_epoch.hpp>
#include <rolewise/train/distillation.hpp>

#include <ATen/Parallel.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

std::atomic<std::int64_t> requests{0};

void* asked_for(std::size_t size) noexcept
{
  requests.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}

void* asked_for_or_thrown(std::size_t size)
{
  if (void* const found = asked_for(size)) return found;
  throw std::bad_alloc{};
}

}  // namespace

// Over-aligned types keep the standard library's operators.
void* operator new(std::size_t size) { return asked_for_or_thrown(size); }
void* operator new[](std::size_t size) { return asked_for_or_thrown(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return asked_for(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return asked_for(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace rw = rolewise;
using rw::testing::counting_allocator;

namespace {

/// Allocations for the views of both roles of one batch, after a warm-up.
struct cost {
  double small;  ///< calls of `operator new` per batch
  int tensors;   ///< allocations of tensor memory, in all
};

cost cost_of_views(const rw::batch& examples, const rw::view_form& form, int threads)
{
  const auto threads_before = at::get_num_threads();
  at::set_num_threads(threads);
  rw::buffer_pool buffers;
  const rw::rand_augment teachers{.operations = 2, .magnitude = 9}, students{};
  std::int64_t epoch = 0;
  const auto make = [&] {
    return rw::make_views(examples, teachers, students, rw::pad_crop_flip{}, {.epoch = epoch++},
                          rw::seed{4}, form, buffers);
  };
  // The warm-up is long, as a thread allocates its workspace with its first piece of work.
  for (int i = 0; i < 30; ++i) (void)make();
  constexpr int batches = 50;
  const counting_allocator memory{1};
  const auto before = requests.load();
  for (int i = 0; i < batches; ++i) (void)make();
  const auto asked = requests.load() - before;
  at::set_num_threads(threads_before);
  CHECK(buffers.made() == 2);
  return {static_cast<double>(asked) / batches, memory.count()};
}

}  // namespace

TEST_CASE("views of both roles ask for no memory but that of small parts")
{
  const auto data = rw::glyphs({.classes = 4, .channels = 3, .train = 128, .test = 4}).train;
  const auto examples = data.examples();
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16, torch::kByte})
    for (const bool last : {true, false}) {
      CAPTURE(last);
      // Per view: three for the header of its tensor, two for the copy of the scaling, the mean
      // color.
      const auto alone = cost_of_views(examples, {dtype, last}, 1);
      CHECK(alone.tensors == 0);
      CHECK(alone.small <= 12);
      CHECK(alone.small >= 2);  // the counter works
      // Two threads also allocate the board that they share and the call of the helper.
      const auto together = cost_of_views(examples, {dtype, last}, 2);
      CHECK(together.tensors == 0);
      CHECK(together.small <= 21);
    }
}

TEST_CASE("batches that are prepared ahead ask for no memory but that of small parts")
{
  // 70 examples: two batches of 30 and a short one.
  const auto data = rw::glyphs({.classes = 4, .channels = 3, .train = 70, .test = 4}).train;
  rw::distillation training{.teacher = rw::frozen(rw::testing::tiny_student{data.shape}),
                            .student = rw::testing::tiny_student{data.shape},
                            .teacher_agent = rw::rand_augment{},
                            .student_agent = rw::rand_augment{},
                            .shared_agent = rw::pad_crop_flip{},
                            .loss = rw::soft_target_kl{}};
  std::vector<rw::detail::preparation_memory> memories(3);
  const auto epoch = [&](std::int64_t number) {
    return rw::detail::prepared_epoch<decltype(training)>{
        rw::batches(data, {.size = 30, .epoch = number}),
        {.epoch = number},
        training.preparation(),
        memories};
  };
  for (std::int64_t number = 0; number < 2; ++number) {
    auto prepare = epoch(number);
    for (std::int64_t step = 0; step < 3; ++step) (void)prepare(step);
  }
  auto prepare = epoch(2);
  const counting_allocator memory{1};
  const auto before = requests.load();
  std::int64_t made = 0;
  for (std::int64_t step = 0; step < 3; ++step) made += prepare(step).size;
  const auto asked = requests.load() - before;
  CHECK(made == 70);
  CHECK(memory.count() == 0);
  CHECK(asked <= 3 * 28);  // besides the views: three tensors of the examples, thread-local state
}
