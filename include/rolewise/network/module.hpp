// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Requirements on a user's own `torch::nn::Module`, its evaluation and its train and eval modes.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
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

/// `outputs forward_outputs(const torch::Tensor& x, taps wanted)`, with `x` as `module_inputs`
/// makes it of a batch.
template<typename M>
concept turn_a_tensor_into_outputs = requires(M module, const torch::Tensor x, const taps wanted) {
  { module.forward_outputs(x, wanted) } -> std::same_as<outputs>;
};

/// `outputs forward_outputs(const batch& examples, taps wanted)`, with the batch as it is: `uint8`
/// images, token indices, their mask.
template<typename M>
concept turn_a_batch_into_outputs = requires(M module, const batch examples, const taps wanted) {
  { module.forward_outputs(examples, wanted) } -> std::same_as<outputs>;
};

template<typename M>
concept turn_inputs_into_outputs = turn_a_tensor_into_outputs<M> || turn_a_batch_into_outputs<M>;

/// `static constexpr taps offered_taps{...}`, `{}` for none.
template<typename M>
concept list_their_taps = requires { std::bool_constant<M::offered_taps.empty()>{}; };

/// A module that lists taps delivers them.
template<typename M>
concept deliver_listed_taps = turn_inputs_into_outputs<M> ||
                              (offered_taps<M>().empty() && !requires { &M::forward_outputs; });

/// A module with `forward_outputs` lists its taps.
template<typename M>
concept list_delivered_taps = list_their_taps<M> || !turn_inputs_into_outputs<M>;

template<typename M>
concept turn_inputs_into_logits = turn_a_tensor_into_logits<M> || turn_inputs_into_outputs<M>;

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

/// The device of a module: that of its first parameter or buffer, otherwise the CPU.
template<typename Module>
[[nodiscard]] torch::Device device_of_module(const Module& module)
{
  for (const auto& tensors : {module.parameters(), module.buffers()})
    if (!tensors.empty()) return tensors.front().device();
  return torch::kCPU;
}

/// The inputs of a batch for a module: images as `normalized_inputs`, vectors in the dtype of the
/// module, token indices as they are.
template<typename Module>
[[nodiscard]] torch::Tensor module_inputs(const Module& module, const batch& examples)
{
  const auto& x = examples.inputs;
  if (x.defined() && x.dim() != 4) {
    if (x.scalar_type() == torch::kLong) return x;
    if (x.is_floating_point()) return x.to(type_of(module));
  }
  return normalized_inputs(examples, type_of(module));
}

/// Evaluates a module in the modes that its parts are in.
/// @throws std::invalid_argument if taps are wanted that the module does not offer or does not
///         return, or the outputs of `forward_outputs` have the wrong sizes
template<typename Module>
[[nodiscard]] outputs module_outputs(std::string_view who, Module& module, const batch& examples,
                                     const taps& wanted)
{
  require_offered(who, offered_taps<Module>(), wanted);
  if constexpr (module_must::turn_a_batch_into_outputs<Module>)
    return delivered(who, module.forward_outputs(examples, wanted), wanted, examples.size());
  else if constexpr (module_must::turn_a_tensor_into_outputs<Module>)
    return delivered(who, module.forward_outputs(module_inputs(module, examples), wanted), wanted,
                     examples.size());
  else
    return {.logits = module.forward(module_inputs(module, examples)), .features = {}};
}

/// A batch of one example of zeros: an image in `uint8`, as a data set has it.
[[nodiscard]] ROLEWISE_INLINE batch example_of_zeros(const sample_shape& shape,
                                                     torch::ScalarType floating,
                                                     torch::Device device);

/// Shapes of the tapped features, from an evaluation of one example of zeros. Neither the tensors
/// of the module nor its modes change.
/// @throws std::invalid_argument if a tap is not offered, or without the shape of an example
template<typename Module>
[[nodiscard]] feature_shapes module_tap_shapes(std::string_view who, Module& module,
                                               const std::optional<sample_shape>& shape,
                                               const taps& wanted)
{
  require_offered(who, offered_taps<Module>(), wanted);
  if (wanted.empty()) return {};
  if (!shape)
    throw_invalid_argument(who, "the shapes of ", to_text(wanted),
                           " are those of an evaluated example; pass the shape of an example as "
                           "the second argument: ",
                           who, "{module, sample_shape{...}}, or data.shape");
  const torch::NoGradGuard without_graph;
  const evaluation_mode for_now{module};
  const auto example = example_of_zeros(*shape, type_of(module), device_of_module(module));
  const auto found = module_outputs(who, module, example, wanted);
  feature_shapes shapes;
  for (const auto& [id, value] : found.features) shapes.set(id, value.sizes().slice(1).vec());
  return shapes;
}

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/module.hpp>
#endif
