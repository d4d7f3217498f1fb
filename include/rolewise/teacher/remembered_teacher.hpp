// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A teacher that remembers its outputs for each example of a data set, in memory.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace rolewise {

namespace detail {

/// Outputs of examples, on the CPU, by id.
class remembered_rows {
 public:
  /// @param ids `[N]` int64, on the CPU, each once
  /// @throws std::invalid_argument for other ids, or outputs of another number of examples
  remembered_rows(const torch::Tensor& ids, outputs all);

  /// @throws std::invalid_argument for an id that is not there, and for inputs that require a
  ///         gradient, where gradients are enabled
  [[nodiscard]] outputs of(const batch& examples, const taps& wanted) const;

  [[nodiscard]] const outputs& all() const noexcept { return all_; }
  [[nodiscard]] std::int64_t size() const noexcept
  {
    return static_cast<std::int64_t>(places_.size());
  }
  /// Over ids and outputs.
  [[nodiscard]] std::uint64_t sum() const;

 private:
  torch::Tensor ids_;
  outputs all_;
  std::unordered_map<std::int64_t, std::int64_t> places_;
};

}  // namespace detail

/// A table of a teacher's outputs, one row for each example; `remembered(teacher, data)` asks a
/// teacher and makes one.
///
/// `forward` looks rows up by id, whatever the pixels of a view are: the student's views may differ
/// while the answer stays the one to the view that was asked about. The teacher is not needed any
/// more; it may be far away, or cost something for each question. Use `cached`, a file, where an
/// example has several views, and where the outputs do not fit in memory.
///
/// It never changes, and copies share the table.
/// @tparam Stored the taps whose features it has beside the logits
template<taps Stored = taps{}>
class remembered_teacher {
 public:
  static constexpr bool has_state = false;
  static constexpr taps offered_taps = Stored;

  /// @param ids `[N]` int64, each once
  /// @param all outputs of these examples, in their order
  /// @throws std::invalid_argument unless there are N ids, all different, and N rows of the logits
  ///         and of each stored tap
  remembered_teacher(const torch::Tensor& ids, outputs all)
      : rows_{std::make_shared<const detail::remembered_rows>(
            ids, detail::delivered("remembered_teacher", std::move(all), Stored, ids.size(0)))}
  {}

  /// @return outputs on the device of the inputs
  /// @throws std::invalid_argument for an example that is not among the remembered ones, for taps
  ///         that are not stored, and if the inputs require a gradient
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("remembered_teacher", Stored, wanted);
    return rows_->of(examples, wanted);
  }

  /// Shapes of the stored features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    detail::require_offered("remembered_teacher", Stored, wanted);
    feature_shapes shapes;
    wanted.for_each(
        [&](tap_id id) { shapes.set(id, rows_->all().features[id].sizes().slice(1).vec()); });
    return shapes;
  }

  /// Number of examples that the teacher was asked about.
  [[nodiscard]] std::int64_t size() const { return rows_->size(); }
  /// Over ids and outputs.
  [[nodiscard]] std::uint64_t fingerprint() const { return rows_->sum(); }

 private:
  std::shared_ptr<const detail::remembered_rows> rows_;
};

static_assert(FrozenTeacher<remembered_teacher<>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/implementation/remembered_teacher.hpp>
#endif
