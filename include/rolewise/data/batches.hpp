// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `batches` of one epoch of a data set or of any other source, as a range.

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/prefetched.hpp>

#include <range/v3/range/concepts.hpp>
#include <range/v3/view/facade.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace rolewise {

/// The range that `batches` returns: an input range of `batch`, sized, cheap to copy. It does not
/// refer to the source. Every `begin()` starts over, with its own batches and thread.
class batches_view : public ranges::view_facade<batches_view, ranges::finite> {
 public:
  batches_view() = default;
  /// @throws std::invalid_argument as `batches`
  batches_view(const batch_source_reference& source, const batch_options& options);

  /// Number of batches from `first_step` on.
  [[nodiscard]] std::size_t size() const
  {
    return static_cast<std::size_t>(last_step_ - options_.first_step);
  }

  /// Returns the batch of one step of the epoch, gathered into `memory`. Several threads may call
  /// it, each with its own `memory`.
  /// @throws std::invalid_argument unless the step lies in `first_step` .. `batch_count` - 1
  [[nodiscard]] batch gather(std::int64_t step, batch_memory& memory) const;

 private:
  friend ranges::range_access;

  class cursor {
   public:
    using single_pass = std::true_type;

    cursor() = default;
    explicit cursor(const batches_view& view)
        : run_{std::make_shared<running>(view.epoch_, view.options_.first_step, view.last_step_,
                                         view.options_.prefetch)}
    {
      next();
    }

    [[nodiscard]] const batch& read() const { return *run_->current; }
    [[nodiscard]] bool equal(ranges::default_sentinel_t) const
    {
      return !run_->current.has_value();
    }
    void next();

   private:
    struct next_batch {
      std::shared_ptr<const epoch_batches> epoch;
      batch_memory memory{};
      [[nodiscard]] batch operator()(std::int64_t step) { return (*epoch)(step, memory); }
    };
    struct running {
      running(std::shared_ptr<const epoch_batches> epoch, std::int64_t first, std::int64_t last,
              bool in_background)
          : prefetch{next_batch{std::move(epoch)}, first, last, in_background ? 1 : 0, 1}
      {}
      std::optional<batch> current;
      support::prefetched<next_batch> prefetch;
    };
    std::shared_ptr<running> run_;
  };

  [[nodiscard]] cursor begin_cursor() const { return cursor{*this}; }

  std::shared_ptr<const epoch_batches> epoch_;
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
/// @par Determinism
/// Batch k is a function of the source, (seed, epoch) and the size of a batch alone: `prefetch`,
/// `first_step` and the number of threads change nothing.
/// @throws std::invalid_argument unless the size of a batch is above 0, the epoch is at least 0 and
///         `first_step` lies in 0 .. `batch_count`; for a data set, as `gathered_batches`
template<BatchSource Source>
[[nodiscard]] batches_view batches(const Source& source, const batch_options& options = {})
{
  return {batch_source_reference{source}, options};
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/batches.hpp>
#endif
