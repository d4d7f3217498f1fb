// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `load_named_weights`: reads the weights of a network from a safetensors file whose tensors have
/// the names of another library.

#include <rolewise/core/state.hpp>
#include <rolewise/network/detail/copied_ranges.hpp>
#include <rolewise/network/name_map.hpp>
#include <rolewise/support/inline.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of `load_named_weights`.
struct load_options {
  /// Whether tensors that only the file or only the network has, or that differ in shape or dtype,
  /// are left alone. If false, they are an error.
  bool partial = false;
  /// Whether floating-point tensors of another dtype are converted to the network's: a file in
  /// fp16 or bf16 holds rounded weights. If false, they differ.
  bool converts_dtypes = false;
};

/// A tensor by its name in a file and its full name in the network.
struct renamed_tensor {
  std::string theirs;
  std::string ours;  ///< empty if the name map does not know it

  friend bool operator==(const renamed_tensor&, const renamed_tensor&) = default;
};

/// A tensor that file and network have in other shapes or dtypes.
struct unequal_tensor {
  renamed_tensor names;
  std::string in_file;     ///< `[10, 64]`, or a dtype: `Half`
  std::string in_network;  ///< likewise
};

/// Report of `load_named_weights`.
struct loaded_weights {
  std::vector<renamed_tensor> loaded;
  std::vector<renamed_tensor> only_in_file;  ///< fit nothing in the network
  std::vector<std::string> left_out;         ///< of the file, by the name map
  std::vector<std::string> only_in_network;  ///< got nothing
  /// Tensors of quantizers that got nothing: files of other libraries have none.
  std::vector<std::string> of_quantizers;
  std::vector<unequal_tensor> unequal;

  /// Whether file and network have the same tensors, but for those of quantizers and those left
  /// out.
  [[nodiscard]] bool is_complete() const
  {
    return only_in_file.empty() && only_in_network.empty() && unequal.empty();
  }
};

/// The report in words: how many tensors were loaded and, of each kind that was not, some names.
[[nodiscard]] ROLEWISE_INLINE std::string to_text(const loaded_weights& report);

namespace detail {

/// A tensor of the network, in its place.
struct weight_place {
  std::string name;
  torch::Tensor* tensor;
  tensor_kind kind;
};

/// The report, and the network's names of the tensors that were loaded and that have changed.
struct loaded_names {
  loaded_weights report;
  std::set<std::string> loaded, changed;
};

[[nodiscard]] ROLEWISE_INLINE loaded_names load_into(const std::vector<weight_place>& places,
                                                     const std::string& network,
                                                     const std::string& path, const name_map& names,
                                                     const load_options& options);

}  // namespace detail

/// Reads the weights of a network, and the statistics of its batch norms, from a safetensors file:
///
///     load_named_weights(teacher, "resnet18.safetensors", resnet_names());
///
/// Tensors are copied into the network's own memory, so optimizers that hold them remain valid.
/// Those of quantizers (ranges, and all in a part called `quantizer` or `gradients`) may be missing
/// in the file: bit widths do not matter, since low-bit networks keep full-precision weights.
/// A quantizer whose ranges are all loaded goes on with them, as if it had observed them. What it
/// keeps besides, such as counts, is in no such file: checkpoints hold it (`load_checkpoint`).
///
/// @param names of the file's tensors in the network; empty if they are the network's own
/// @return what was loaded and what was not
/// @throws std::runtime_error that begins with the path if the file cannot be read, if nothing in
///         it fits, or if it is not complete (`loaded_weights::is_complete`) and
///         `load_options::partial` is false; the network is then unchanged
/// @throws std::invalid_argument if two tensors of the file have one name in the network; likewise
template<state_must::be_shown Network>
loaded_weights load_named_weights(Network& network, const std::string& path,
                                  const name_map& names = {}, const load_options& options = {})
{
  std::vector<detail::weight_place> places;
  for_each_tensor(network, [&](std::string name, torch::Tensor& t, tensor_kind kind) {
    places.push_back({std::move(name), &t, kind});
  });
  std::string who = "the network";
  if constexpr (requires { who = network.name(); }) who = network.name();
  auto found = detail::load_into(places, who, path, names, options);
  detail::start_loaded_ranges(network, found.loaded, found.changed);
  return std::move(found.report);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/load_named_weights.hpp>
#endif
