// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A user's torch::nn::Module as a full-precision student.

#include <rolewise/network/module.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Student that wraps a module, with value semantics: copying the student clones the module.
///
/// The student takes ownership of the module. To be copyable, the module must derive from
/// `torch::nn::Cloneable<Module>` and create and register all its tensors and submodules in
/// `reset()`: what is not registered is shared between copies and missing in checkpoints.
/// `predict` switches every submodule to evaluation mode and back, so it must not be called from
/// two threads at once; that of a frozen student may be. The submodules of a copy have the modes of
/// the original's. A weight registered under two names is updated once.
///
///     module_student student{std::make_shared<net>(), data.shape};   // or a ModuleHolder
///
/// A module with `torch::Tensor forward(torch::Tensor)` returns logits alone. One that offers taps
/// has two members instead, and no hooks:
///
///     static constexpr taps offered_taps{tap::stage<1>, tap::penultimate};
///     outputs forward_outputs(const torch::Tensor& x, taps wanted);
///
/// The tensor is that of the batch: images `[N, C, H, W]` normalized, in the dtype of the module,
/// channels last; token indices `[N, L]` int64 as they are; vectors `[N, D]` in the dtype of the
/// module. With `const batch& examples` as its first parameter, the function gets the batch as it
/// is, with its mask. Features that it returns and that are not wanted are dropped.
template<typename Module>
class module_student {
  static_assert(module_must::deliver_listed_taps<Module>,
                "module_student: a module that offers taps wants outputs "
                "forward_outputs(const torch::Tensor& x, taps wanted), or with const batch& in "
                "place of the tensor");
  static_assert(module_must::list_delivered_taps<Module>,
                "module_student: a module with forward_outputs wants static constexpr taps "
                "offered_taps{...}, {} if it offers none");
  static_assert(
      module_must::be_a_module<Module> && module_must::turn_inputs_into_logits<Module>,
      "module_student wants a torch::nn::Module with torch::Tensor forward(torch::Tensor)");
  static_assert(
      module_must::be_copied_by_clone<Module>,
      "module_student copies its module: derive it from torch::nn::Cloneable of itself and "
      "make its parts in reset()");

 public:
  static constexpr taps offered_taps = rolewise::offered_taps<Module>();

  /// @throws std::invalid_argument if the module is null
  explicit module_student(std::shared_ptr<Module> module) : module_{std::move(module)}
  {
    if (!module_) throw_invalid_argument("module_student", "want a module, got none");
    if (!module_->is_training()) module_->train();
  }
  /// @param shape of an example, for `tap_shapes`
  module_student(std::shared_ptr<Module> module, const sample_shape& shape)
      : module_student{std::move(module)}
  {
    shape_ = shape;
  }
  template<detail::module_holder Holder>
  explicit module_student(const Holder& holder) : module_student{holder.ptr()}
  {}
  template<detail::module_holder Holder>
  module_student(const Holder& holder, const sample_shape& shape)
      : module_student{holder.ptr(), shape}
  {}

  module_student(const module_student& other)
      : module_{clone_of(*other.module_)}, shape_{other.shape_}
  {}
  module_student& operator=(const module_student& other)
  {
    if (this != &other) {
      module_ = clone_of(*other.module_);
      shape_ = other.shape_;
    }
    return *this;
  }
  module_student(module_student&&) noexcept = default;
  module_student& operator=(module_student&&) noexcept = default;
  ~module_student() = default;

  /// @throws std::invalid_argument if taps are wanted that the module does not offer or leaves out,
  ///         or `forward_outputs` returns outputs of the wrong sizes
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {})
  {
    return detail::module_outputs("module_student", *module_, examples, wanted);
  }

  /// @throws std::invalid_argument as `forward`
  [[nodiscard]] outputs predict(const batch& examples, taps wanted = {}) const
  {
    const detail::evaluation_mode for_now{*module_};
    return detail::module_outputs("module_student", *module_, examples, wanted);
  }

  /// Shapes of the tapped features, found by evaluating one example of zeros, in evaluation mode.
  /// @throws std::invalid_argument if a tap is not offered, or the student was made without the
  ///         shape of an example
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    return detail::module_tap_shapes("module_student", *module_, shape_, wanted);
  }

  [[nodiscard]] std::vector<named_tensor> parameters() const
  {
    return listed(module_->named_parameters());
  }
  [[nodiscard]] std::vector<named_tensor> buffers() const
  {
    return listed(module_->named_buffers());
  }

  void to(torch::Device device) { module_->to(device); }

  /// Puts the module into evaluation mode permanently: `predict` then switches no modes, so several
  /// threads may call it. `frozen` applies it to its copy.
  void settle_in_evaluation() { detail::evaluate_everywhere(*module_); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (auto& item : module_->named_parameters())
      show(item.key(), item.value(), [&](torch::Tensor& t) { archive.parameter(item.key(), t); });
    for (auto& item : module_->named_buffers())
      show(item.key(), item.value(), [&](torch::Tensor& t) { archive.buffer(item.key(), t); });
  }

  /// Records the module as LibTorch prints it, with the options of its layers. What a user's
  /// module does not print is not recorded.
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("module", detail::classic_text(*module_));
  }

  [[nodiscard]] Module& module() noexcept { return *module_; }
  [[nodiscard]] const Module& module() const noexcept { return *module_; }

 private:
  [[nodiscard]] static std::shared_ptr<Module> clone_of(const Module& original)
  {
    auto copy = std::static_pointer_cast<Module>(original.clone());
    const auto of_original = original.parameters(), of_copy = copy->parameters();
    for (std::size_t i = 0; i < of_copy.size(); ++i)
      torch::Tensor{of_copy[i]}.set_requires_grad(of_original[i].requires_grad());
    // reset() creates modules in training mode.
    const auto parts = original.modules(), its_parts = copy->modules();
    for (std::size_t i = 0; i < its_parts.size(); ++i)  // parents first: train() reaches children
      if (its_parts[i]->is_training() != parts[i]->is_training())
        its_parts[i]->train(parts[i]->is_training());
    return copy;
  }

  template<typename Items>
  [[nodiscard]] static std::vector<named_tensor> listed(const Items& items)
  {
    std::vector<named_tensor> all;
    for (const auto& item : items) all.push_back({item.key(), item.value()});
    return all;
  }

  /// Passes a copy of the tensor handle to an archive. The module has handles of its own, so a
  /// tensor that the archive assigns is stored as the data of the module's tensor.
  /// @throws std::invalid_argument for a tensor with a graph, which would be cut
  template<typename F>
  static void show(const std::string& name, const torch::Tensor& of_module, F&& archive)
  {
    auto handle = of_module;
    archive(handle);
    if (handle.is_same(of_module)) return;
    if (!handle.is_leaf())
      throw_invalid_argument("module_student", "'", name,
                             "' is replaced by a tensor with a graph, which a module's parameter "
                             "cannot keep; detach it, or assign its values");
    of_module.set_data(handle.detach());
  }

  std::shared_ptr<Module> module_;
  std::optional<sample_shape> shape_;
};

template<detail::module_holder Holder>
module_student(const Holder&) -> module_student<typename Holder::ContainedType>;
template<detail::module_holder Holder>
module_student(const Holder&, const sample_shape&)
    -> module_student<typename Holder::ContainedType>;

}  // namespace rolewise
