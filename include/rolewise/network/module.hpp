// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Requirements on a user's own `torch::nn::Module`, and its train and eval modes.

#include <rolewise/core/error.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

// Forward declarations: the user's module includes the definitions, and LibTorch's header would
// take a tenth of every translation unit's compile time.
namespace torch::nn {
class Module;
template<typename Derived>
class Cloneable;
}  // namespace torch::nn

namespace rolewise {

namespace module_must {

template<typename M>
concept be_a_module = std::derived_from<M, torch::nn::Module>;

template<typename M>
concept turn_a_tensor_into_logits = requires(M module, torch::Tensor x) {
  { module.forward(x) } -> std::same_as<torch::Tensor>;
};

template<typename M>
concept be_copied_by_clone = std::derived_from<M, torch::nn::Cloneable<M>>;

}  // namespace module_must

namespace detail {

template<typename H>
concept module_holder = requires(const H holder) {
  typename H::ContainedType;
  { holder.ptr() } -> std::convertible_to<std::shared_ptr<typename H::ContainedType>>;
};

/// Whether a module or any of its submodules is in training mode.
template<typename Module>
[[nodiscard]] bool trains_somewhere(const Module& module)
{
  for (const auto& each : module.modules())
    if (each->is_training()) return true;
  return false;
}

/// Puts a module and all submodules into evaluation mode, also where one of them keeps a child in
/// training mode. Writes nothing if all are in it already.
template<typename Module>
void evaluate_everywhere(Module& module)
{
  if (!trains_somewhere(module)) return;
  // Parents first: `eval()` recurses into children, and those that it does not reach follow.
  for (const auto& each : module.modules())
    if (each->is_training()) each->eval();
}

/// RAII guard: puts a module and all submodules into evaluation mode and restores their modes.
template<typename Module>
class evaluation_mode {
 public:
  explicit evaluation_mode(Module& module)
  {
    if (!trains_somewhere(module)) return;
    modules_ = module.modules();
    for (const auto& each : modules_) was_training_.push_back(each->is_training());
    evaluate_everywhere(module);
  }
  evaluation_mode(const evaluation_mode&) = delete;
  evaluation_mode& operator=(const evaluation_mode&) = delete;
  ~evaluation_mode()
  {
    for (std::size_t i = 0; i < modules_.size(); ++i)  // parents first: train() recurses
      modules_[i]->train(was_training_[i]);
  }

 private:
  decltype(std::declval<Module&>().modules()) modules_;
  std::vector<bool> was_training_;
};

/// The dtype of a module's first floating-point parameter; float32 if there is none.
template<typename Module>
[[nodiscard]] torch::ScalarType type_of(const Module& module)
{
  for (const auto& p : module.parameters())
    if (p.is_floating_point()) return p.scalar_type();
  return torch::kFloat;
}

inline void refuse_features(std::string_view who, taps wanted)
{
  if (wanted.features)
    throw_invalid_argument(
        who, "a module has no features to tap; take a loss on logits or write a part of your own");
}

}  // namespace detail

}  // namespace rolewise
