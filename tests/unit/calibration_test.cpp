// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/student.hpp"
#include "support/doctest.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/measurement/agreement.hpp>
#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/paired.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/calibration.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace rw = rolewise;

const rw::sample_shape small{.channels = 3, .height = 10, .width = 8, .classes = 5};

rw::batch images(std::int64_t count, std::uint64_t seed = 0)
{
  torch::manual_seed(seed);
  return {torch::randn({count, small.channels, small.height, small.width}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

/// All tensors by name, copied.
template<typename Network>
std::map<std::string, torch::Tensor> tensors_of(Network n)
{
  std::map<std::string, torch::Tensor> all;
  for (const auto& each : rw::laws::state_of(n)) all[each.name] = each.value;
  return all;
}

/// A full-precision network with perturbed batch norm parameters and running statistics.
auto stirred(const rw::sample_shape& shape)
{
  auto n = rw::resnet8(shape, {.seed = rw::seed{4}});
  torch::manual_seed(7);
  const torch::NoGradGuard without_graph;
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (name.ends_with("norm.weight") || name.ends_with("variance"))
      t.mul_(torch::rand_like(t) + 0.5);
    if (name.ends_with("norm.bias") || name.ends_with("mean")) t.add_(torch::randn_like(t) * 0.3);
  });
  return n;
}

/// The input of the first activation quantizer in networks whose first and last layers are in
/// full precision.
template<typename Network>
torch::Tensor into_first(const Network& full, const rw::batch& examples)
{
  return full.predict(examples, {rw::tap::stage<0>}).features[rw::tap::stage<0>];
}

}  // namespace

TEST_CASE("learned ranges begin by calibration as they begin in training, and stay")
{
  const auto full = stirred(small);
  for (const bool folded : {false, true}) {
    CAPTURE(folded);
    auto student = rw::resnet8(small, rw::lsq{}, rw::inner_bits<4>, {.fold_batch_norm = folded});
    (void)rw::copy_weights(full, student);
    const auto before = tensors_of(student);
    rw::calibrate(student, std::vector{images(8, 1), images(8, 2)});
    const auto after = tensors_of(student);
    std::size_t begun = 0;
    for (const auto& [name, t] : after) {
      if (torch::equal(t, before.at(name))) continue;
      CHECK_MESSAGE(name.ends_with("quantizer.step"), name);
      ++begun;
    }
    CHECK(begun == 14);  // eight convolutions, six inputs: shortcuts share their block's

    auto w = full.parameters()[3].value;
    REQUIRE(full.parameters()[3].name == "stage1.0.convolution1.weight");
    if (folded)
      w = w * (before.at("stage1.0.batch_norm1.weight") *
               (before.at("stage1.0.batch_norm1.running_variance") + 1e-5).rsqrt())
                  .view({-1, 1, 1, 1});
    CHECK(after.at("stage1.0.convolution1.quantizer.step").item<double>() ==
          doctest::Approx(2 * w.abs().mean().item<double>() / std::sqrt(7.0)));
    CHECK(after.at("stage1.0.input.quantizer.step").item<double>() ==
          doctest::Approx(2 * into_first(full, images(8, 1)).mean().item<double>() /
                          std::sqrt(15.0)));

    // The first training batch does not initialize the steps again.
    const torch::NoGradGuard without_graph;
    (void)student.forward(images(8, 3));
    for (const auto& [name, t] : tensors_of(student))
      if (name.ends_with("quantizer.step")) CHECK_MESSAGE(torch::equal(t, after.at(name)), name);
  }
}

TEST_CASE("observed ranges take in every batch, unless they are frozen")
{
  const auto full = stirred(small);
  auto student = rw::resnet8(small, rw::uniform_affine<rw::min_max_range, rw::min_max_range>{},
                             rw::inner_bits<8>);
  (void)rw::copy_weights(full, student);
  const std::vector seen{images(8, 1), images(8, 2), images(8, 3)};
  const auto most = [&] {
    double found = 0.0;
    for (const auto& each : seen)
      found = std::max(found, into_first(full, each).max().item<double>());
    return found;
  }();
  const auto name = "stage1.0.input.quantizer.highest";
  rw::calibrate(student, seen);
  CHECK(tensors_of(student).at(name).item<double>() == doctest::Approx(most));
  rw::freeze_ranges(student);
  auto larger = images(8, 1);
  larger.inputs = larger.inputs * 9;
  rw::calibrate(student, std::vector{larger});
  CHECK(tensors_of(student).at(name).item<double>() == doctest::Approx(most));
  rw::freeze_ranges(student, false);
  rw::calibrate(student, std::vector{larger});
  CHECK(tensors_of(student).at(name).item<double>() > 2 * most);
  const auto full_now = tensors_of(full);
  for (const auto& [each, t] : tensors_of(student))
    if (full_now.contains(each)) CHECK_MESSAGE(torch::equal(t, full_now.at(each)), each);
}

TEST_CASE("stored weights are not constrained")
{
  auto student =
      rw::resnet8(small, rw::paired{rw::binary_connect{.size = rw::binary_size::glorot}, rw::lsq{}},
                  rw::inner_bits<1>);
  const auto name = "stage1.0.convolution1.weight";
  const auto before = tensors_of(student).at(name);
  rw::calibrate(student, std::vector{images(8, 1)});
  CHECK(torch::equal(tensors_of(student).at(name), before));
  (void)student.forward(images(8, 1));
  CHECK_FALSE(torch::equal(tensors_of(student).at(name), before));
}

TEST_CASE("a data set calibrates in the order of its batches, through an agent")
{
  const auto data = rw::glyphs({.classes = 4, .train = 200, .test = 100, .seed = rw::seed{3}});
  const auto full = stirred(data.shape);
  const auto made = [&](const auto& calibrated) {
    auto n = rw::resnet8(data.shape, rw::uniform_affine{}, rw::inner_bits<8>);
    (void)rw::copy_weights(full, n);
    calibrated(n);
    return n;
  };
  const auto whole = made([&](auto& n) {
    rw::calibrate(n, data.train, rw::no_agent{}, {.batches = 2, .batch_size = 50});
  });
  const auto by_hand = made([&](auto& n) {
    std::vector<rw::batch> first;
    for (const auto& each : rw::batches(data.train, {.size = 50, .seed = rw::seed{0}})) {
      first.push_back(each);
      if (first.size() == 2) break;
    }
    rw::calibrate(n, first);
  });
  const auto a = tensors_of(whole), b = tensors_of(by_hand);
  for (const auto& [name, t] : a) CHECK_MESSAGE(torch::equal(t, b.at(name)), name);
  const auto moved = made([&](auto& n) {
    rw::calibrate(n, data.train, rw::pad_crop_flip{}, {.batches = 2, .batch_size = 50});
  });
  CHECK_FALSE(torch::equal(tensors_of(moved).at("stage1.0.input.quantizer.highest"),
                           a.at("stage1.0.input.quantizer.highest")));
  std::vector<rw::batch> shown;
  for (const auto& each : rw::batches(data.test, {.size = 50})) shown.push_back(each);
  CHECK(rw::measurement::agreement(rw::frozen(whole), rw::frozen(full), shown) > 0.9);
}

TEST_CASE("calibrate refuses what cannot be calibrated")
{
  auto none = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<2>);
  CHECK_THROWS_WITH_AS(
      rw::calibrate(none, std::vector{images(4)}),
      "rolewise: calibrate: the network has no ranges, neither learned nor observed",
      std::invalid_argument);
  auto some = rw::resnet8(small, rw::lsq{}, rw::inner_bits<2>);
  CHECK_THROWS_WITH_AS(rw::calibrate(some, std::vector<rw::batch>{}),
                       "rolewise: calibrate: want batches to see the ranges on, got none",
                       std::invalid_argument);
  const auto data = rw::glyphs({.classes = 4, .train = 20, .test = 10, .seed = rw::seed{3}});
  CHECK_THROWS_WITH_AS(rw::calibrate(some, data.train, rw::no_agent{}, {.batches = 0}),
                       "rolewise: calibrate: want batches and batch_size above 0, got 0 and 128",
                       std::invalid_argument);
}
