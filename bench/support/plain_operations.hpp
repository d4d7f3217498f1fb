// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Augmentation operations in plain tensor operations, many images at a time, and a small
/// multi-layer perceptron with its optimizer.

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <cstdint>

namespace bench {

/// An operation on images of bytes at a magnitude of a half, up or down for each image.
inline torch::Tensor plain_operation(rolewise::operation what, const torch::Tensor& images)
{
  namespace rw = rolewise;
  const auto value = rw::auto_augment_parameter(what, 5, images.size(2), images.size(3),
                                                rw::auto_augment_scale::even);
  const double other = rw::is_enhancer(what) ? 2.0 - value : rw::has_sign(what) ? -value : value;
  const auto count = images.size(0);
  const auto up = torch::randint(0, 2, {count}, torch::kBool);
  const auto values = torch::where(up, torch::full({count}, value, torch::kDouble),
                                   torch::full({count}, other, torch::kDouble));
  const auto place = [&] { return torch::randint(0, images.size(2), {count}, torch::kDouble); };
  const auto made = rw::apply(what, {images, {}}, {values, place(), place()});
  return rw::filled(made, rw::mean_color({}, images.size(1)));
}

/// Two hidden layers of 64 with leaky ReLU and one number, and its Adam.
struct plain_judge {
  torch::nn::Sequential layers;
  torch::optim::Adam optimizer;

  plain_judge(std::int64_t inputs, double rate, double beta)
      : layers{torch::nn::Linear(inputs, 64), leaky(), torch::nn::Linear(64, 64), leaky(),
               torch::nn::Linear(64, 1)},
        optimizer{layers->parameters(), torch::optim::AdamOptions(rate).betas({beta, 0.999})}
  {}

  torch::Tensor operator()(const torch::Tensor& x) { return layers->forward(x).squeeze(1); }

 private:
  static torch::nn::LeakyReLU leaky()
  {
    return torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(0.2));
  }
};

}  // namespace bench
