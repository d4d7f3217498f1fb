// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `batches` of one epoch of a data set, as a range.

#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/prefetched.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>

#include <range/v3/range/concepts.hpp>
#include <range/v3/view/facade.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of `batches`.
struct batch_options {
  std::int64_t size = 128;      ///< examples per batch; the last one may have fewer
  rolewise::seed seed{0};       ///< of the shuffled order
  std::int64_t epoch = 0;       ///< each epoch has an order of its own
  bool shuffle = true;          ///< else the order of the data set, in every epoch
  bool drop_last = false;       ///< leave out a last batch with fewer than `size` examples
  bool prefetch = true;         ///< make the next batch in the background; same results
  std::int64_t first_step = 0;  ///< begin at this batch of the epoch, to resume inside it
};

/// Number of batches of a whole epoch over `examples` examples, without regard to `first_step`.
/// @throws std::invalid_argument unless the size of a batch is above 0
[[nodiscard]] inline std::int64_t batch_count(std::int64_t examples, const batch_options& options)
{
  if (options.size < 1)
    throw_invalid_argument("batches", "want batches of at least 1, got ", options.size);
  return options.drop_last ? examples / options.size : (examples + options.size - 1) / options.size;
}

/// Buffers that batches are gathered into; a buffer is reused when no tensor references it.
struct batch_memory {
  buffer_pool inputs{}, labels{}, ids{};
};

namespace detail {

[[nodiscard]] inline std::string shape_words(const torch::Tensor& t)
{
  return t.defined() ? detail::classic_text(t.sizes()) : "undefined";
}

/// Copies chosen examples of a data set into pooled memory.
class batch_gatherer {
 public:
  batch_gatherer() = default;
  batch_gatherer(dataset source, std::shared_ptr<const std::vector<std::int64_t>> order,
                 std::int64_t batch_size)
      : source_{std::move(source)}, order_{std::move(order)}, batch_size_{batch_size}
  {}

  [[nodiscard]] batch operator()(std::int64_t step, batch_memory& memory) const
  {
    const auto begin = step * batch_size_;
    const auto end = std::min(begin + batch_size_, static_cast<std::int64_t>(order_->size()));
    return {rows(source_.inputs, begin, end, memory.inputs),
            rows(source_.labels, begin, end, memory.labels),
            rows(source_.ids, begin, end, memory.ids), source_.normalization};
  }

 private:
  [[nodiscard]] torch::Tensor rows(const torch::Tensor& from, std::int64_t begin, std::int64_t end,
                                   buffer_pool& pool) const
  {
    auto sizes = from.sizes().vec();
    sizes[0] = end - begin;
    auto to = pool.take(sizes, from.scalar_type());
    const auto bytes = static_cast<std::size_t>(from.numel() / from.size(0)) *
                       static_cast<std::size_t>(from.element_size());
    const auto* const source = static_cast<const char*>(from.const_data_ptr());
    auto* target = static_cast<char*>(to.mutable_data_ptr());
    for (auto n = begin; n < end; ++n, target += bytes)
      std::memcpy(target,
                  source + static_cast<std::size_t>((*order_)[static_cast<std::size_t>(n)]) * bytes,
                  bytes);
    return to;
  }

  dataset source_;
  std::shared_ptr<const std::vector<std::int64_t>> order_;
  std::int64_t batch_size_ = 1;
};

}  // namespace detail

/// The range that `batches` returns: an input range of `batch`, sized, cheap to copy. Every
/// `begin()` starts over, with its own batches and thread.
class batches_view : public ranges::view_facade<batches_view, ranges::finite> {
 public:
  batches_view() = default;
  batches_view(dataset source, const batch_options& options)
      : options_{options}, last_step_{batch_count(source.size(), options)}
  {
    auto order =
        options.shuffle
            ? permutation(options.seed.split(purpose{"order"}), options.epoch, source.size())
            : std::vector<std::int64_t>(static_cast<std::size_t>(source.size()));
    if (!options.shuffle) std::iota(order.begin(), order.end(), std::int64_t{0});
    gatherer_ = {std::move(source),
                 std::make_shared<const std::vector<std::int64_t>>(std::move(order)), options.size};
  }

  /// Number of batches from `first_step` on.
  [[nodiscard]] std::size_t size() const
  {
    return static_cast<std::size_t>(last_step_ - options_.first_step);
  }

  /// Returns the batch of one step of the epoch, gathered into `memory`. Several threads may call
  /// it, each with its own `memory`.
  /// @throws std::invalid_argument unless the step lies in `first_step` .. `batch_count` - 1
  [[nodiscard]] batch gather(std::int64_t step, batch_memory& memory) const
  {
    if (step < options_.first_step || step >= last_step_)
      throw_invalid_argument("batches", "want a step of ", options_.first_step, " to ",
                             last_step_ - 1, ", got ", step);
    return gatherer_(step, memory);
  }

 private:
  friend ranges::range_access;

  class cursor {
   public:
    using single_pass = std::true_type;

    cursor() = default;
    explicit cursor(const batches_view& view)
        : run_{std::make_shared<running>(view.gatherer_, view.options_.first_step, view.last_step_,
                                         view.options_.prefetch)}
    {
      next();
    }

    [[nodiscard]] const batch& read() const { return *run_->current; }
    [[nodiscard]] bool equal(ranges::default_sentinel_t) const
    {
      return !run_->current.has_value();
    }
    void next()
    {
      run_->current.reset();  // first, so that its memory is free for the batch being made
      run_->current = run_->prefetch.next();
    }

   private:
    struct next_batch {
      detail::batch_gatherer gatherer;
      batch_memory memory{};
      [[nodiscard]] batch operator()(std::int64_t step) { return gatherer(step, memory); }
    };
    struct running {
      running(const detail::batch_gatherer& gatherer, std::int64_t first, std::int64_t last,
              bool in_background)
          : prefetch{next_batch{gatherer}, first, last, in_background ? 1 : 0, 1}
      {}
      std::optional<batch> current;
      prefetched<next_batch> prefetch;
    };
    std::shared_ptr<running> run_;
  };

  [[nodiscard]] cursor begin_cursor() const { return cursor{*this}; }

  detail::batch_gatherer gatherer_;
  batch_options options_{};
  std::int64_t last_step_ = 0;
};

static_assert(ranges::input_range<const batches_view> && ranges::view_<batches_view> &&
              ranges::sized_range<batches_view>);

/// Returns the batches of one epoch:
///
///     for (const batch& examples : batches(data, {.size = 64, .seed = s, .epoch = e})) ...
///
/// A batch stays valid for as long as it is kept: memory is reused only when no tensor references
/// it (raw pointers do not count). The reference that an iterator returns is valid until the
/// iterator advances: copy the batch to keep it.
///
/// Labels may be `[N]` int64 or `[N, classes]` floating point.
///
/// @par Determinism
/// Batch k is a function of the data, (seed, epoch) and the size of a batch alone: `prefetch`,
/// `first_step` and the number of threads change nothing.
/// @throws std::invalid_argument unless the data are N images with N labels and N ids on the CPU,
///         the size of a batch is above 0, the epoch is at least 0 and `first_step` lies in
///         0 .. `batch_count`
[[nodiscard]] inline batches_view batches(const dataset& examples,
                                          const batch_options& options = {})
{
  auto source = examples;
  for (auto* part : {&source.inputs, &source.labels, &source.ids}) {
    if (!part->defined() || part->dim() < 1 || part->size(0) != source.inputs.size(0))
      throw_invalid_argument("batches", "want as many labels and ids as inputs, got inputs ",
                             detail::shape_words(source.inputs), ", labels ",
                             detail::shape_words(source.labels), ", ids ",
                             detail::shape_words(source.ids));
    if (!part->is_cpu())
      throw_invalid_argument("batches", "want a data set on the CPU, got one on ", part->device());
    *part = part->detach().contiguous();
  }
  const auto count = batch_count(source.size(), options);
  if (options.epoch < 0)
    throw_invalid_argument("batches", "want an epoch of at least 0, got ", options.epoch);
  if (options.first_step < 0 || options.first_step > count)
    throw_invalid_argument("batches", "want a first step of 0 to ", count, ", got ",
                           options.first_step);
  return batches_view{std::move(source), options};
}

}  // namespace rolewise
