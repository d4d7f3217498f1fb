// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `name_map`: the names that another library's files give to the tensors of a network.

#include <rolewise/support/inline.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// A name map: turns the name of a tensor in a file into its full name in a network, such as
/// `layer1.0.conv1.weight` into `stage1.0.convolution1.weight`. Any function will do; `name_rules`
/// is one by patterns.
///
/// It returns an empty name for a tensor that is left out on purpose, and nothing for one that it
/// does not know. An empty map leaves names as they are.
using name_map = std::function<std::optional<std::string>(std::string_view theirs)>;

/// A rule of `name_rules`: the name of a module in a file, and in the network.
struct name_rule {
  std::string theirs;
  std::string ours;  ///< empty: what is in that module is left out
};

/// A name map by rules, of which the first that fits is applied.
///
///     name_rules{{{"features.0", "stem"}, {"layer#.#.conv#", "stage#.#.convolution#"}}}
///
/// A rule fits a name that is `theirs`, or begins with it and a dot; what follows stays. Each `#`
/// stands for a number, and the numbers take the places of the `#` of `ours`, in their order. The
/// names of PyTorch's batch norm need no rules: `running_var` becomes `running_variance`, and
/// `num_batches_tracked`, which networks here do not have, is left out.
struct name_rules {
  std::vector<name_rule> rules;

  /// @throws std::invalid_argument if a rule has more `#` in `ours` than in `theirs`
  [[nodiscard]] ROLEWISE_INLINE std::optional<std::string> operator()(
      std::string_view theirs) const;
};

/// The names of residual networks (`resnet20`, `imagenet_resnet50`, ...) in torchvision and timm:
/// `conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.downsample.0`, `fc`. Also those of RepDistiller's
/// `resnet20` and its like, and of its `ResNet18` and `ResNet50`, which have `shortcut` and
/// `linear` for the last two.
///
/// @par Source
/// https://github.com/pytorch/vision, https://github.com/huggingface/pytorch-image-models,
/// https://github.com/HobbitLong/RepDistiller: the code of Tian, Krishnan, Isola: Contrastive
/// Representation Distillation, 2019, arXiv:1910.10699.
[[nodiscard]] ROLEWISE_INLINE name_rules resnet_names();

/// The names of wide residual networks in RepDistiller: `block1.layer.0.conv1`, `convShortcut`,
/// and `bn1` before the pooling.
[[nodiscard]] ROLEWISE_INLINE name_rules wide_resnet_names();

/// The names of VGG networks in RepDistiller, whose blocks are lists of convolution, batch norm and
/// ReLU: `block0.0`, `block0.1`, `block0.3`, ..., `classifier`.
[[nodiscard]] ROLEWISE_INLINE name_rules vgg_names();

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/name_map.hpp>
#endif
