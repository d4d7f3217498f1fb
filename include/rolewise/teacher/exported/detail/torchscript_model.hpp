// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A loaded TorchScript file. Its functions are inline in both forms of the library, so that only
/// programs that use them compile LibTorch's TorchScript.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/exported/detail/exported_model.hpp>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// The tensor at a place of what a script returned.
/// @param where a position in a tuple or list, or a name in a dictionary or named tuple
/// @throws std::invalid_argument that says what is there instead
[[nodiscard]] inline torch::Tensor tensor_at(std::string_view who, const c10::IValue& all,
                                             const std::variant<std::int64_t, std::string>& where)
{
  const auto* const name = std::get_if<std::string>(&where);
  const auto position = name ? std::int64_t{-1} : std::get<std::int64_t>(where);
  const auto asked = name ? "'" + *name + "'" : classic_text("number ", position);
  const auto as_tensor = [&](const c10::IValue& x) {
    if (!x.isTensor())
      throw_invalid_argument(who, "want a tensor as output ", asked, ", got ", x.tagKind());
    return x.toTensor();
  };
  const auto at_position = [&](const auto& elements) {
    if (position < 0 || position >= static_cast<std::int64_t>(elements.size()))
      throw_invalid_argument(who, "want output ", asked, ", the model returns ", elements.size(),
                             name ? " without names" : "");
    return as_tensor(elements[static_cast<std::size_t>(position)]);
  };
  std::string names;
  if (all.isGenericDict() && name) {
    for (const auto& entry : all.toGenericDict()) {
      if (entry.key().isString() && entry.key().toStringRef() == *name)
        return as_tensor(entry.value());
      if (entry.key().isString()) names += " '" + entry.key().toStringRef() + "'";
    }
    throw_invalid_argument(who, "want output ", asked, ", the model returns", names);
  }
  if (all.isTuple()) {
    const auto tuple = all.toTuple();
    const auto type = tuple->type<c10::TupleType>();
    if (name && type->schema()) {
      const auto& arguments = type->schema()->arguments();
      for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].name() == *name) return as_tensor(tuple->elements()[i]);
        names += " '" + arguments[i].name() + "'";
      }
      throw_invalid_argument(who, "want output ", asked, ", the model returns", names);
    }
    return at_position(tuple->elements());
  }
  if (all.isList()) return at_position(all.toListRef());
  if (all.isTensor() && position == 0) return all.toTensor();
  throw_invalid_argument(who, "want output ", asked, ", the model returns one ", all.tagKind());
}

/// A TorchScript file for inference; copies share the module.
class torchscript_model {
 public:
  /// @throws std::runtime_error that names the file if it is no TorchScript
  explicit torchscript_model(const std::string& path) : torchscript_model{loaded(path)} {}

  /// What the model returns for a batch.
  /// @throws std::invalid_argument if the batch is on another device, or the model fails
  [[nodiscard]] c10::IValue evaluated(std::string_view who, const batch& examples) const
  {
    if (examples.inputs.defined() && examples.inputs.device() != device_)
      throw_invalid_argument(who, "want inputs on ", device_.str(), ", got them on ",
                             examples.inputs.device().str());
    // The optimizer profiles the first calls and then runs other code.
    const torch::jit::GraphOptimizerEnabledGuard as_written{false};
    auto script = script_;  // a handle; forward is not const
    auto inputs = exported_inputs(examples, type_);
    try {
      return script.forward({inputs});
    } catch (const std::exception& error) {
      throw_invalid_argument(who, "the model fails on ", inputs.scalar_type(), " ", inputs.sizes(),
                             ": ", last_line(error.what()));
    }
  }

  /// The model on a device: a copy, unless it is there already.
  [[nodiscard]] torchscript_model on(torch::Device device) const
  {
    if (device == device_) return *this;
    return torchscript_model{script_.deepcopy(device), device};
  }

  [[nodiscard]] torch::Device device() const { return device_; }

  /// Checksum of parameters and buffers.
  [[nodiscard]] std::uint64_t sum() const
  {
    checksum of;
    for (const auto& each : script_.parameters()) of.add(each);
    for (const auto& each : script_.buffers()) of.add(each);
    return of.value();
  }

 private:
  explicit torchscript_model(torch::jit::Module script, torch::Device device = torch::kCPU)
      : script_{std::move(script)}, device_{device}
  {
    script_.eval();
    bool has_type = false;
    for (const auto& each : script_.parameters()) {
      each.set_requires_grad(false);
      if (!has_type && each.is_floating_point()) {
        type_ = each.scalar_type();
        has_type = true;
      }
    }
  }

  [[nodiscard]] static torch::jit::Module loaded(const std::string& path)
  {
    try {
      return torch::jit::load(path, torch::kCPU);
    } catch (const c10::Error& error) {
      refuse_model_file(path, "a TorchScript file", error.what_without_backtrace());
    } catch (const std::exception& error) {
      refuse_model_file(path, "a TorchScript file", error.what());
    }
  }

  /// TorchScript puts its own stack first and the error last.
  [[nodiscard]] static std::string_view last_line(std::string_view text)
  {
    if (const auto stack = text.find("\nException raised from"); stack != text.npos)
      text = text.substr(0, stack);
    while (text.ends_with('\n')) text.remove_suffix(1);
    const auto line = text.rfind('\n');
    return line == text.npos ? text : text.substr(line + 1);
  }

  torch::jit::Module script_;
  torch::Device device_;
  torch::ScalarType type_ = torch::kFloat;
};

}  // namespace rolewise::detail
