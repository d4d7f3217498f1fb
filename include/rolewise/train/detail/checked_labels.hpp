// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A source whose labels are checked batch by batch.

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace rolewise::detail {

/// Whether the hard labels of a step's batches must be class indices: those of a step with a loss
/// that wants them.
template<typename Step>
[[nodiscard]] consteval bool takes_class_labels()
{
  if constexpr (requires(const Step& step) { step.loss; })
    return wants_class_labels<std::remove_cvref_t<decltype(std::declval<const Step&>().loss)>>();
  else
    return false;
}

/// A source whose batches throw where a hard label is no class, for sources that do not show all
/// examples before the first step. Labels on another device are left to the loss, as reading them
/// would synchronize with it.
class checked_labels {
 public:
  explicit checked_labels(const batch_source_reference& source) : source_{source} {}

  [[nodiscard]] std::int64_t size() const { return source_.size(); }
  [[nodiscard]] std::string name() const { return source_.name(); }
  [[nodiscard]] sample_shape shape() const { return source_.shape(); }
  [[nodiscard]] std::uint64_t fingerprint() const { return source_.fingerprint(); }
  [[nodiscard]] std::int64_t batch_count(const batch_options& options) const
  {
    return source_.batch_count(options);
  }
  /// @throws std::invalid_argument by the returned function, that names epoch, step and label
  [[nodiscard]] epoch_batches epoch(const batch_options& options) const;

 private:
  batch_source_reference source_;
};

/// The batches that a step trains on in one epoch.
template<typename Step>
[[nodiscard]] batches_view batches_for(const batch_source_reference& source,
                                       const batch_options& options)
{
  if constexpr (takes_class_labels<Step>())
    if (!source.examples()) return batches(checked_labels{source}, options);
  return batches(source, options);
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/checked_labels.hpp>
#endif
