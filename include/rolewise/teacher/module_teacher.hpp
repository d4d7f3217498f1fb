// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A user's torch::nn::Module as a teacher.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/network/module.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace rolewise {

/// Teacher that evaluates a module, without a graph to its weights.
///
/// The teacher takes over the module: the constructor puts it and all its submodules into
/// evaluation mode and its parameters ask for no gradient from then on; copies of the teacher
/// share it. The outputs have a graph only if the inputs require a gradient and gradients are
/// enabled. The module is one with `torch::Tensor forward(torch::Tensor)`, or with taps, as for
/// `module_student`; it need not be cloneable.
///
///     module_teacher teacher{std::make_shared<net>(), data.shape};   // or a ModuleHolder
template<typename Module>
class module_teacher {
  static_assert(module_must::deliver_listed_taps<Module>,
                "module_teacher: a module that offers taps wants outputs "
                "forward_outputs(const torch::Tensor& x, taps wanted), or with const batch& in "
                "place of the tensor");
  static_assert(module_must::list_delivered_taps<Module>,
                "module_teacher: a module with forward_outputs wants static constexpr taps "
                "offered_taps{...}, {} if it offers none");
  static_assert(
      module_must::be_a_module<Module> && module_must::turn_inputs_into_logits<Module>,
      "module_teacher wants a torch::nn::Module with torch::Tensor forward(torch::Tensor)");

 public:
  static constexpr bool has_state = false;  // never changes
  static constexpr taps offered_taps = rolewise::offered_taps<Module>();

  /// @throws std::invalid_argument if the module is null
  explicit module_teacher(std::shared_ptr<Module> module) : module_{std::move(module)}
  {
    if (!module_) throw_invalid_argument("module_teacher", "want a module, got none");
    detail::evaluate_everywhere(*module_);
    for (const auto& parameter : module_->parameters()) parameter.set_requires_grad(false);
  }
  /// @param shape of an example, for `tap_shapes`
  module_teacher(std::shared_ptr<Module> module, const sample_shape& shape)
      : module_teacher{std::move(module)}
  {
    shape_ = shape;
  }
  template<detail::module_holder Holder>
  explicit module_teacher(const Holder& holder) : module_teacher{holder.ptr()}
  {}
  template<detail::module_holder Holder>
  module_teacher(const Holder& holder, const sample_shape& shape)
      : module_teacher{holder.ptr(), shape}
  {}

  /// @throws std::invalid_argument if taps are wanted that the module does not offer or leaves out,
  ///         `forward_outputs` returns outputs of the wrong sizes, or the module or a submodule has
  ///         been put into training mode, in which running statistics would be updated silently;
  ///         none has been updated
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    if (detail::trains_somewhere(*module_)) refuse_training();
    const detail::graph_to_inputs only{examples};
    return detail::with_graph_to_inputs(
        "module_teacher", examples,
        detail::module_outputs("module_teacher", *module_, examples, wanted));
  }

  /// Shapes of the tapped features, found by evaluating one example of zeros.
  /// @throws std::invalid_argument if a tap is not offered, or the teacher was made without the
  ///         shape of an example
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    return detail::module_tap_shapes("module_teacher", *module_, shape_, wanted);
  }

  [[nodiscard]] const Module& module() const noexcept { return *module_; }

  /// The device of the module: that of its first parameter or buffer, otherwise the CPU.
  [[nodiscard]] torch::Device device() const { return detail::device_of_module(*module_); }

  /// 64-bit fingerprint of the teacher: over names, dtypes, shapes and bytes of the module's
  /// parameters and buffers, not over what it computes with them.
  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    for (const auto& tensors : {module_->named_parameters(), module_->named_buffers()})
      for (const auto& each : tensors) {
        sum.add(std::string_view{each.key()});
        sum.add(each.value());
      }
    return sum.value();
  }

 private:
  [[noreturn]] void refuse_training() const
  {
    constexpr std::string_view who = "module_teacher";
    if (!module_->is_training())
      for (const auto& part : module_->named_modules())
        if (part.value()->is_training())
          throw_invalid_argument(who, "part '", part.key(),
                                 "' of the module has been put into training mode; call ",
                                 "eval() on the module");
    throw_invalid_argument(who, "the module has been put into training mode; call eval() on it");
  }

  std::shared_ptr<Module> module_;
  std::optional<sample_shape> shape_;
};

template<detail::module_holder Holder>
module_teacher(const Holder&) -> module_teacher<typename Holder::ContainedType>;
template<detail::module_holder Holder>
module_teacher(const Holder&, const sample_shape&)
    -> module_teacher<typename Holder::ContainedType>;

}  // namespace rolewise
