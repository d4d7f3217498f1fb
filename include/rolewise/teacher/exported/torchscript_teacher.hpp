// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A TorchScript file of Python as a teacher. No umbrella header includes this one, because
/// LibTorch's TorchScript takes six seconds to compile.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>
#include <rolewise/teacher/exported/detail/exported_model.hpp>
#include <rolewise/teacher/exported/detail/torchscript_model.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

/// Where the outputs of a TorchScript model are: an entry of its tuple or list by position, of its
/// dictionary or named tuple by name. A model that returns one tensor has it at 0.
struct torchscript_outputs {
  using place = std::variant<std::int64_t, std::string>;

  place logits = std::int64_t{0};
  std::vector<std::pair<tap_id, place>> features{};  ///< of each offered tap
};

/// Teacher that evaluates a TorchScript file, as `torch.jit.script(model).save(path)` or
/// `torch.jit.trace` writes it, without a graph to its weights.
///
///     torchscript_teacher teacher{"teacher.pt", data.shape};
///     torchscript_teacher<taps{tap::stage<1>}> with_features{
///         "teacher.pt", data.shape,
///         {.logits = "logits", .features = {{tap::stage<1>, "layer1"}}}};
///
/// The model gets one tensor: images `[N, C, H, W]`, normalized by the batch's `normalization`, or
/// vectors `[N, D]`, both in the type of its first floating-point parameter, or token indices
/// `[N, L]`; contiguous. It is put into evaluation mode, and its parameters ask for no gradient.
/// The outputs have a graph only if the inputs require a gradient and gradients are enabled.
///
/// It is loaded on the CPU; `to` moves it. Copies share the model until one of them is moved.
/// `forward` may be called by several threads.
///
/// @tparam Offered the taps that `torchscript_outputs::features` places
/// @par Determinism
/// The model runs without the optimizer of TorchScript, which would specialize it in its first
/// calls, so that equal inputs give equal bits from the first call on.
template<taps Offered = taps{}>
class torchscript_teacher {
 public:
  static constexpr bool has_state = false;  // never changes
  static constexpr taps offered_taps = Offered;

  /// Evaluates two examples, twice: for the shapes of the outputs, and because a model that was
  /// traced in training mode shows then.
  /// @param shape of an example; its classes are the class axis of the logits
  /// @throws std::runtime_error that names the file if it cannot be read, or is no TorchScript
  /// @throws std::invalid_argument that names the file if the model fails on examples of the shape,
  ///         or returns other outputs, other ones for the same examples, or changes its own tensors
  torchscript_teacher(std::string path, const sample_shape& shape,
                      torchscript_outputs outputs_at = {})
      : who_{"torchscript_teacher '" + path + "'"},
        at_{std::move(outputs_at)},
        sum_{detail::sum_of_file(path)},
        model_{path}
  {
    detail::require_features(who_, offered_taps, at_.features);
    const torch::NoGradGuard without_graph;
    const auto examples = detail::two_examples(shape, torch::kCPU);
    const auto before = model_.sum();
    const auto found = checked(examples, offered_taps);
    detail::require_classes(who_, found, shape);
    detail::require_repeated(who_, found, checked(examples, offered_taps));
    if (model_.sum() != before)
      throw_invalid_argument(who_,
                             "an evaluation changes tensors of the model, such as running "
                             "statistics; was it traced in training mode? Call model.eval()");
    shapes_ = detail::shapes_of_examples(found);
  }

  /// @throws std::invalid_argument that names the file if taps are wanted that are not offered, the
  ///         inputs are on another device, the model fails on them, or it returns other outputs
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered(who_, offered_taps, wanted);
    const detail::graph_to_inputs only{examples};
    return detail::with_graph_to_inputs(who_, examples, checked(examples, wanted));
  }

  /// Shapes of the tapped features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    detail::require_offered(who_, offered_taps, wanted);
    feature_shapes found;
    wanted.for_each([&](tap_id id) { found.set(id, shapes_[id]); });
    return found;
  }

  void to(torch::Device device) { model_ = model_.on(device); }

  [[nodiscard]] torch::Device device() const { return model_.device(); }

  /// 64-bit fingerprint of the teacher: over the bytes of the file, and where its outputs are.
  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    sum.add(sum_);
    const auto add = [&](const torchscript_outputs::place& place) {
      sum.add(std::uint64_t{place.index()});
      if (const auto* name = std::get_if<std::string>(&place)) sum.add(std::string_view{*name});
      if (const auto* position = std::get_if<std::int64_t>(&place))
        sum.add(static_cast<std::uint64_t>(*position));
    };
    add(at_.logits);
    for (const auto& [id, place] : at_.features) {
      sum.add(tap_name{id}.view());
      add(place);
    }
    return sum.value();
  }

 private:
  [[nodiscard]] outputs checked(const batch& examples, taps wanted) const
  {
    const auto all = model_.evaluated(who_, examples);
    outputs found{.logits = detail::tensor_at(who_, all, at_.logits), .features = {}};
    for (const auto& [id, place] : at_.features)
      if (wanted.contains(id)) found.features.set(id, detail::tensor_at(who_, all, place));
    return detail::delivered(who_, std::move(found), wanted, examples.size());
  }

  std::string who_;  ///< with the file, for messages
  torchscript_outputs at_;
  std::uint64_t sum_;  ///< of the file
  detail::torchscript_model model_;
  feature_shapes shapes_;
};

}  // namespace rolewise
