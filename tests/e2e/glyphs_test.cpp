// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Difficulty of the built-in data: too hard for a linear model, easy enough for a small network.
#include "support/doctest.hpp"
#include "support/sanitized.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

namespace rw = rolewise;

namespace {

/// A linear classifier on pixels.
struct linear_model {
  torch::Tensor weight, bias;

  explicit linear_model(const rw::sample_shape& shape)
      : weight{torch::zeros({shape.classes, shape.channels * shape.height * shape.width})
                   .set_requires_grad(true)},
        bias{torch::zeros({shape.classes}).set_requires_grad(true)}
  {}

  rw::outputs forward(const rw::batch& examples, rw::taps) { return predict(examples, {}); }
  rw::outputs predict(const rw::batch& examples, rw::taps) const
  {
    const auto pixels = rw::normalized_inputs(examples).contiguous().flatten(1);
    return {.logits = torch::addmm(bias, pixels, weight.t()), .features = {}};
  }
  std::vector<rw::named_tensor> parameters() const { return {{"weight", weight}, {"bias", bias}}; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight);
    archive.parameter("bias", bias);
  }
};

template<typename Network>
double accuracy_after_training(const rw::dataset_splits& data, Network network, double rate)
{
  rw::supervised pretraining{.student = std::move(network),
                             .optimizer = rw::sgd{.learning_rate = rate}};
  rw::fit(pretraining, data.train, {.epochs = 8, .batch_size = 32, .seed = rw::seed{1}});
  return rw::accuracy(pretraining.student, data.test);
}

}  // namespace

TEST_CASE("in the demo's epochs a linear model stays under 80 % of the glyphs")
{
  const auto data = rw::glyphs({.seed = rw::seed{1}});
  const double reached = accuracy_after_training(data, linear_model{data.shape}, 0.01);
  MESSAGE("linear model: " << reached);
  CHECK(reached > 0.11);  // above chance, which is 0.1
  CHECK(reached < 0.80);
}

TEST_CASE("in the demo's epochs a ResNet-8 passes 95 % of the glyphs" *
          doctest::skip(rw::tests::sanitized))
{
  const auto data = rw::glyphs({.seed = rw::seed{1}});
  const double reached = accuracy_after_training(data, rw::resnet8(data.shape), 0.1);
  MESSAGE("ResNet-8: " << reached);
  CHECK(reached > 0.95);
}
