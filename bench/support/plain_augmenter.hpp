// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The augmentation networks of TeachAugment in plain LibTorch, and what they need.

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// A gate for each logit that is nearly 0 or 1, with a gradient.
inline torch::Tensor plain_gate(const torch::Tensor& logit)
{
  const auto u = torch::rand_like(logit).clamp_(1e-7, 1 - 1e-7);
  return torch::sigmoid((logit + u.log() - (-u).log1p()) / 0.05);
}

/// Samples images bilinearly at affine maps.
inline torch::Tensor plain_warped(const torch::Tensor& images, const torch::Tensor& maps)
{
  constexpr int bilinear = 0, zeros = 0;
  return at::grid_sampler(images, at::affine_grid_generator(maps, images.sizes(), false), bilinear,
                          zeros, false);
}

/// 1 where neither the whole row nor the whole column of an image is black.
inline torch::Tensor plain_inside(const torch::Tensor& pixels)
{
  const auto shows = pixels.detach().ne(0).any(1, true);
  return shows.any(3, true).logical_and(shows.any(2, true)).to(torch::kFloat32);
}

struct plain_augmenter : torch::nn::Module {
  struct result {
    torch::Tensor tinted, view;  ///< normalized
  };

  explicit plain_augmenter(std::int64_t of_classes) : classes{of_classes}
  {
    path_to("color", 2);
    path_to("geometry", 6);
    pixels = conv("pixels", 3, 128);
    second = conv("second", 128, 128);
    last = conv("last", 128, 6);
    context = register_module(
        "context", torch::nn::Linear(torch::nn::LinearOptions(classes, 128).bias(false)));
    first_norm = norm2d("first_norm");
    second_norm = norm2d("second_norm");
    for (auto* gate : {&color_gate, &geometry_gate})
      *gate = register_parameter(gate == &color_gate ? "color_gate" : "geometry_gate",
                                 torch::zeros({classes}));
    for (auto& p : last->parameters()) torch::nn::init::zeros_(p);
  }

  result forward(const torch::Tensor& x, const torch::Tensor& labels)
  {
    const auto n = x.size(0);
    const auto of_class = torch::one_hot(labels, classes).to(torch::kFloat32);
    const auto noise = torch::cat({of_class, torch::randn({n, 128})}, 1);
    auto h = hidden(first_norm(pixels(x) + context(of_class).view({n, 128, 1, 1})));
    h = hidden(second_norm(second(h)));
    const auto change = torch::sigmoid(last(h).view({n, 2, 3, x.size(2), x.size(3)}) +
                                       paths[0]->forward(noise).view({n, 2, 1, 1, 1})) -
                        0.5;
    const auto scale = 0.8 * change.select(1, 0) + 1.0, shift = change.select(1, 1);

    const auto g = plain_gate(color_gate.index_select(0, labels)).view({n, 1, 1, 1});
    const auto image = x * 0.25 + 0.5;
    const auto wave = plain_inside(image) * ((1 - g + g * scale) * image + g * shift);
    const auto tinted = (wave - 2 * torch::round(wave / 2)).abs();  // reflected into [0, 1]

    const auto moved = 0.5 * (torch::sigmoid(paths[1]->forward(noise)) - 0.5) *
                       plain_gate(geometry_gate.index_select(0, labels)).unsqueeze(1);
    const auto view = plain_warped(tinted, moved.view({n, 2, 3}) + torch::eye(2, 3));
    return {(tinted - 0.5) / 0.25, (view - 0.5) / 0.25};
  }

 private:
  std::int64_t classes;
  std::vector<torch::nn::Sequential> paths;
  torch::nn::Conv2d pixels{nullptr}, second{nullptr}, last{nullptr};
  torch::nn::Linear context{nullptr};
  torch::nn::BatchNorm2d first_norm{nullptr}, second_norm{nullptr};
  torch::Tensor color_gate, geometry_gate;

  static torch::Tensor hidden(const torch::Tensor& x)
  {
    return torch::feature_dropout(torch::leaky_relu(x, 0.2), 0.8, true);
  }
  torch::nn::Conv2d conv(const std::string& name, std::int64_t in, std::int64_t out)
  {
    return register_module(name,
                           torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1).bias(false)));
  }
  torch::nn::BatchNorm2d norm2d(const std::string& name)
  {
    return register_module(
        name,
        torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(128).track_running_stats(false)));
  }
  void path_to(const std::string& name, std::int64_t outputs)
  {
    torch::nn::Sequential path;
    std::int64_t in = classes + 128;
    for (int layer = 0; layer < 2; ++layer, in = 512) {
      path->push_back(torch::nn::Linear(torch::nn::LinearOptions(in, 512).bias(false)));
      path->push_back(
          torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(512).track_running_stats(false)));
      path->push_back(torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(0.2)));
      path->push_back(torch::nn::Dropout(0.8));
    }
    path->push_back(torch::nn::Linear(torch::nn::LinearOptions(512, outputs).bias(false)));
    paths.push_back(register_module(name, path));
  }
};

}  // namespace bench
