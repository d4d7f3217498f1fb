// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// An AOTInductor package (`.pt2`) of Python as a teacher. No umbrella header includes this one,
/// because not every LibTorch loads packages.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>
#include <rolewise/teacher/exported/detail/aot_inductor_model.hpp>
#include <rolewise/teacher/exported/detail/exported_model.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Where the outputs of a package are, in the flat list that it returns (that of a dictionary is in
/// the order of its entries), and what it takes.
struct aot_inductor_options {
  std::int64_t logits = 0;
  std::vector<std::pair<tap_id, std::int64_t>> features{};  ///< of each offered tap
  torch::ScalarType inputs = torch::kFloat;  ///< dtype of images and vectors, as exported
  /// Above 0: examples are given in batches of this size, the last one filled up, for a package
  /// that takes no other. 0: as they come, one example as two.
  std::int64_t batch_size = 0;
};

/// Teacher that evaluates an AOTInductor package: a model that
/// `torch._inductor.aoti_compile_and_package` has compiled to machine code.
///
///     aot_inductor_teacher teacher{"teacher.pt2", data.shape};
///
/// The package gets one tensor: images `[N, C, H, W]`, normalized by the batch's `normalization`,
/// vectors `[N, D]`, or token indices `[N, L]`; contiguous, as the example that the model was
/// exported with has to be. It computes no gradient to its inputs: inputs that require one are
/// refused. Copies share it; `forward` may be called by several threads.
///
/// A package runs on the device, and on the CPU with the instructions, that it was compiled for. It
/// takes the batch sizes that it was exported for: one, or with a dynamic batch dimension a range,
/// which the compiler may narrow (from 2 .. 512 to 16 .. 512 for an example of 64). `batch_size`
/// serves packages that do not take the batches that come.
///
/// The constructor sets the environment variable `AOTI_RUNTIME_CHECK_INPUTS` for its duration,
/// unless it is set: the package then refuses inputs of other sizes or types, instead of reading
/// past their end. No other thread may read or write the environment meanwhile.
///
/// @tparam Offered the taps that `aot_inductor_options::features` places
template<taps Offered = taps{}>
class aot_inductor_teacher {
 public:
  static constexpr bool has_state = false;  // never changes
  static constexpr taps offered_taps = Offered;

  /// Evaluates two examples, twice.
  /// @param shape of an example; its classes are the class axis of the logits
  /// @throws std::runtime_error that names the file if it cannot be read, or is no package
  /// @throws std::invalid_argument that names the file if the package fails on two examples of the
  ///         shape, or returns other outputs, or other ones for the same examples
  aot_inductor_teacher(std::string path, const sample_shape& shape,
                       aot_inductor_options options = {})
      : who_{"aot_inductor_teacher '" + path + "'"},
        options_{std::move(options)},
        sum_{detail::sum_of_file(path)},
        model_{path, options_.inputs, options_.batch_size}
  {
    detail::require_features(who_, offered_taps, options_.features);
    const auto examples = detail::two_examples(shape, model_.device());
    const detail::checking_inputs from_now_on;
    const auto found = checked(examples, offered_taps);
    detail::require_classes(who_, found, shape);
    detail::require_repeated(who_, found, checked(examples, offered_taps));
    shapes_ = detail::shapes_of_examples(found);
  }

  /// @throws std::invalid_argument that names the file if taps are wanted that are not offered, the
  ///         inputs require a gradient (and gradients are enabled) or are on another device, the
  ///         package fails on them, or it returns other outputs
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered(who_, offered_taps, wanted);
    if (detail::wants_input_gradient(examples))
      throw_invalid_argument(who_,
                             "the inputs require a gradient, and a package computes none to "
                             "its inputs; detach them, or take the model as TorchScript");
    return checked(examples, wanted);
  }

  /// Shapes of the tapped features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    detail::require_offered(who_, offered_taps, wanted);
    feature_shapes found;
    wanted.for_each([&](tap_id id) { found.set(id, shapes_[id]); });
    return found;
  }

  /// The device that the package was compiled for.
  [[nodiscard]] torch::Device device() const { return model_.device(); }

  /// 64-bit fingerprint of the teacher: over the bytes of the file, and the options.
  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    sum.add(sum_);
    sum.add(static_cast<std::uint64_t>(options_.logits));
    sum.add(std::string_view{c10::toString(options_.inputs)});
    sum.add(static_cast<std::uint64_t>(options_.batch_size));
    for (const auto& [id, position] : options_.features) {
      sum.add(tap_name{id}.view());
      sum.add(static_cast<std::uint64_t>(position));
    }
    return sum.value();
  }

 private:
  [[nodiscard]] outputs checked(const batch& examples, taps wanted) const
  {
    const auto all = model_.evaluated(who_, examples);
    const auto at = [&](std::int64_t position) {
      if (position < 0 || position >= static_cast<std::int64_t>(all.size()))
        throw_invalid_argument(who_, "want output number ", position, ", the package returns ",
                               all.size());
      return all[static_cast<std::size_t>(position)];
    };
    outputs found{.logits = at(options_.logits), .features = {}};
    for (const auto& [id, position] : options_.features)
      if (wanted.contains(id)) found.features.set(id, at(position));
    return detail::delivered(who_, std::move(found), wanted, examples.size());
  }

  std::string who_;  ///< with the file, for messages
  aot_inductor_options options_;
  std::uint64_t sum_;  ///< of the file
  detail::aot_inductor_model model_;
  feature_shapes shapes_;
};

}  // namespace rolewise
