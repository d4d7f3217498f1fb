// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/student.hpp"
#include "support/doctest.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant.hpp>
#include <rolewise/report/quantization_report.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/update_batch_norm.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace rw = rolewise;
using rw::bit_width;
using rw::phase;

const rw::sample_shape small{.channels = 3, .height = 10, .width = 8, .classes = 5};
const rw::convolution_shape three_to_four{.in = 3, .out = 4, .kernel = 3, .stride = 2};

rw::batch images(std::int64_t count, std::uint64_t seed = 0)
{
  torch::manual_seed(seed);
  return {torch::randn({count, small.channels, small.height, small.width}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

/// A differentiable substitute for a quantizer: weights are bent smoothly, or unchanged if `bend`
/// is 0; activations are unchanged.
struct smooth {
  static constexpr std::string_view name = "smooth";

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool takes_folded_weights = true;
    double bend;

    [[nodiscard]] rw::quantized operator()(const torch::Tensor& w, bit_width) const
    {
      return {.levels = bend == 0.0 ? w : w + (w * 3).sin() * bend};
    }
  };
  struct activations {
    static constexpr bool has_state = false;

    [[nodiscard]] rw::quantized operator()(const torch::Tensor& x, bit_width) const
    {
      return {.levels = x};
    }
  };

  double bend = 0.1;

  [[nodiscard]] weights start_weights(const rw::layer_id&) const { return {bend}; }
  [[nodiscard]] activations start_activations(const rw::layer_id&) const { return {}; }
};

rw::planned_layer planned(int bits)
{
  return {{"layer", rw::layer_kind::convolution, 1, 3}, {bit_width{bits}, bit_width{bits}}};
}

/// A convolution and its batch norm, with their parameters and buffers by name.
template<typename Q>
struct pair_of_layers {
  rw::convolution<Q> convolution;
  rw::batch_norm norm;

  explicit pair_of_layers(const Q& q, bool folded, int bits = 4,
                          const rw::convolution_shape& shape = three_to_four)
      : convolution{q, planned(bits), shape, {}},
        norm{shape.out, {.momentum = 0.2, .epsilon = 1e-3, .folded = folded}}
  {
    torch::manual_seed(3);
    const torch::NoGradGuard without_graph;
    auto all = tensors();
    all.at("norm.weight").copy_(torch::randn(shape.out));
    if (shape.out > 2) all.at("norm.weight")[2] = 0;
    all.at("norm.bias").copy_(torch::randn(shape.out));
    all.at("norm.running_mean").copy_(torch::randn(shape.out));
    all.at("norm.running_variance").copy_(torch::rand(shape.out) * 3 + 0.5);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    rw::visit_normalized(archive, "layer", convolution, "norm", norm);
  }
  std::map<std::string, torch::Tensor> tensors()
  {
    std::map<std::string, torch::Tensor> all;
    rw::for_each_tensor(
        *this, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) { all[name] = t; });
    return all;
  }
};

torch::Tensor along(const torch::Tensor& each) { return each.view({1, -1, 1, 1}); }

struct statistics {
  torch::Tensor mean, variance;
};

/// The formulas of `batch_norm`, with `quantize` for Q.
template<typename Quantize>
torch::Tensor simulated(const torch::Tensor& x, std::map<std::string, torch::Tensor>& t,
                        const statistics& running, const Quantize& quantize)
{
  const auto &w = t.at("layer.weight"), &gamma = t.at("norm.weight"), &beta = t.at("norm.bias");
  const auto convolve = [&](const torch::Tensor& by) { return torch::conv2d(x, by, {}, 2, 1); };
  const auto unfolded = convolve(w);
  const auto mu = unfolded.mean(at::IntArrayRef{0, 2, 3});
  const auto s = ((unfolded - along(mu)).square().mean(at::IntArrayRef{0, 2, 3}) + 1e-3).sqrt();
  const auto r = (running.variance + 1e-3).sqrt();
  return convolve(quantize(w * (gamma / r).view({-1, 1, 1, 1}))) * along(r / s) +
         along(beta - mu * gamma / s);
}

torch::Tensor straight_through(const torch::Tensor& x) { return x + (x.round() - x).detach(); }

/// LSQ's values by differentiable tensor operations.
torch::Tensor stepped(const torch::Tensor& w, const torch::Tensor& step, double low, double high)
{
  const double g = 1 / std::sqrt(static_cast<double>(w.numel()) * high);
  const auto s = step * g + (step * (1 - g)).detach();
  return straight_through((w / s).clamp(low, high)) * s;
}

template<typename Q, typename Quantize>
void agrees_with_formulas(const Q& q, const Quantize& quantize)
{
  pair_of_layers<Q> layers{q, true};
  rw::activation<Q> input{q, planned(4)};
  const auto x = (torch::randn({6, 3, 8, 8}).abs() * 0.7).set_requires_grad(true);
  auto all = layers.tensors();
  const statistics before{all.at("norm.running_mean").clone(),
                          all.at("norm.running_variance").clone()};

  const auto in = input.of_rectified(x, phase::training);
  const auto y = layers.convolution.normalized(in, layers.norm, phase::training).taken();
  all = layers.tensors();  // steps are initialized by now
  const auto expected = simulated(
      in.values(), all, before, [&](const torch::Tensor& folded) { return quantize(folded, all); });
  CHECK(torch::allclose(y, expected, 1e-4, 1e-5));

  torch::manual_seed(5);
  const auto toward = torch::randn_like(y);
  std::vector<torch::Tensor> learned{x};
  for (const auto& [name, t] : all)
    if (t.requires_grad()) learned.push_back(t);
  CHECK(learned.size() >= 4);
  const auto got = torch::autograd::grad({y}, learned, {toward}, true);
  const auto wanted = torch::autograd::grad({expected}, learned, {toward});
  for (std::size_t i = 0; i < learned.size(); ++i) {
    CAPTURE(i);
    CHECK(wanted[i].abs().max().template item<double>() > 1e-3);
    CHECK(torch::allclose(got[i], wanted[i], 1e-3,
                          1e-4 * wanted[i].abs().max().template item<double>()));
  }

  // Running statistics are those of the convolution with full-precision weights.
  const auto unfolded = torch::conv2d(in.values(), all.at("layer.weight"), {}, 2, 1);
  const std::vector<std::int64_t> axes{0, 2, 3};
  CHECK(torch::allclose(all.at("norm.running_mean"), before.mean * 0.8 + unfolded.mean(axes) * 0.2,
                        1e-5, 1e-6));
  CHECK(torch::allclose(all.at("norm.running_variance"),
                        before.variance * 0.8 + unfolded.var(axes, true) * 0.2, 1e-5, 1e-6));
}

}  // namespace

TEST_CASE("folded weights and shifts are those of the formula")
{
  pair_of_layers<rw::no_quantizer> layers{
      {}, true, 32, {.in = 1, .out = 1, .kernel = 1, .stride = 1}};
  layers.norm = rw::batch_norm{1, {.folded = true}};
  auto all = layers.tensors();
  const torch::NoGradGuard without_graph;
  all.at("layer.weight").fill_(0.8);
  all.at("norm.weight").fill_(1.5);
  all.at("norm.bias").fill_(0.2);
  all.at("norm.running_mean").fill_(0.3);
  all.at("norm.running_variance").fill_(0.25);
  CHECK((layers.norm.folding() * 0.8).item<double>() ==
        doctest::Approx(2.399952).epsilon(1e-6).scale(0));
  const auto at = [&](double x) {
    return layers.convolution
        .normalized(torch::full({1, 1, 1, 1}, x), layers.norm, phase::evaluation)
        .taken()
        .item<double>();
  };
  CHECK(at(0.0) == doctest::Approx(-0.699982).epsilon(1e-6).scale(0));
  CHECK(at(2.0) == doctest::Approx(4.099922).epsilon(1e-6).scale(0));
}

TEST_CASE("training folds as the formulas say, with their gradients")
{
  SUBCASE("lsq")
  {
    agrees_with_formulas(rw::lsq{}, [](const torch::Tensor& w, auto& all) {
      return stepped(w, all.at("layer.quantizer.step"), -8, 7);
    });
  }
  SUBCASE("lsq per channel")
  {
    agrees_with_formulas(rw::lsq{.per_channel = true}, [](const torch::Tensor& w, auto& all) {
      return stepped(w, all.at("layer.quantizer.step").clamp_min(1e-8), -8, 7);
    });
  }
  SUBCASE("lsq_plus, with an offset of what it convolves")
  {
    agrees_with_formulas(rw::lsq_plus{}, [](const torch::Tensor& w, auto& all) {
      return stepped(w, all.at("layer.quantizer.step"), -8, 7);
    });
  }
  SUBCASE("uniform_affine")
  {
    agrees_with_formulas(rw::uniform_affine{}, [](const torch::Tensor& w, auto&) {
      const auto scale = w.detach().flatten(1).abs().amax(1).div(7).clamp_min(0x1p-23);
      return torch::fake_quantize_per_channel_affine(w, scale, torch::zeros(4, torch::kInt), 0, -7,
                                                     7);
    });
  }
  SUBCASE("and with gradients of few bits nothing else changes forward")
  {
    const rw::with_gradients q{rw::lsq{}, rw::dorefa_gradients{.bits = bit_width{8}}};
    pair_of_layers<rw::lsq> plain{rw::lsq{}, true};
    pair_of_layers<std::decay_t<decltype(q)>> other{q, true};
    const auto x = rw::lsq{}.start_activations({})(torch::rand({2, 3, 8, 8}), bit_width{4});
    CHECK(torch::equal(plain.convolution.normalized(x, plain.norm, phase::training).taken(),
                       other.convolution.normalized(x, other.norm, phase::training).taken()));
  }
}

TEST_CASE("where the quantizer is smooth, gradients are finite differences")
{
  torch::manual_seed(1);
  const auto x = torch::randn({3, 3, 6, 6}, torch::kDouble);
  const auto toward = torch::randn({3, 4, 3, 3}, torch::kDouble);
  pair_of_layers<smooth> first{smooth{}, true};
  const auto make = [&](const std::map<std::string, torch::Tensor>& values) {
    pair_of_layers<smooth> layers{smooth{}, true};
    layers.convolution.cast(torch::kDouble);
    layers.norm.cast(torch::kDouble);
    const torch::NoGradGuard without_graph;
    for (auto& [name, t] : layers.tensors()) t.copy_(values.at(name));
    return layers;
  };
  const auto loss = [&](pair_of_layers<smooth>& layers, const torch::Tensor& in) {
    return (layers.convolution.normalized({.levels = in}, layers.norm, phase::training).taken() *
            toward)
        .sum();
  };
  std::map<std::string, torch::Tensor> start;
  for (auto& [name, t] : first.tensors()) start[name] = t.detach().to(torch::kDouble);
  start["x"] = x;
  auto layers = make(start);
  const auto leaf = x.clone().set_requires_grad(true);
  const auto value = loss(layers, leaf);
  auto all = layers.tensors();
  for (const std::string name : {"x", "layer.weight", "norm.weight", "norm.bias"}) {
    const auto of = torch::autograd::grad({value}, {name == "x" ? leaf : all.at(name)}, {}, true)[0]
                        .contiguous();
    const auto count = of.numel();
    for (std::int64_t i = 0; i < count; i += 1 + count / 7) {
      CAPTURE(name);
      CAPTURE(i);
      const auto moved = [&](double by) {
        auto values = start;
        values[name] = start.at(name).contiguous().clone();
        values[name].view(-1)[i] += by;
        auto other = make(values);
        return loss(other, values.at("x")).template item<double>();
      };
      const double difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
      CHECK(of.view(-1)[i].item<double>() ==
            doctest::Approx(difference).epsilon(1e-6).scale(of.abs().max().item<double>()));
    }
  }
}

TEST_CASE("where the quantizer changes nothing, folding does not either")
{
  torch::manual_seed(2);
  const auto x = torch::randn({6, 3, 8, 8}), toward = torch::randn({6, 4, 4, 4});
  for (const auto when : {phase::training, phase::statistics, phase::evaluation}) {
    CAPTURE(static_cast<int>(when));
    pair_of_layers<smooth> folded{smooth{0.0}, true}, plain{smooth{0.0}, false};
    const auto run = [&](pair_of_layers<smooth>& layers) {
      auto all = layers.tensors();
      const auto y = layers.convolution.normalized({.levels = x}, layers.norm, when).taken();
      auto result = torch::autograd::grad(
          {(y * toward).sum()},
          {all.at("layer.weight"), all.at("norm.weight"), all.at("norm.bias")});
      result.push_back(y);
      result.push_back(all.at("norm.running_mean"));
      result.push_back(all.at("norm.running_variance"));
      return result;
    };
    const auto a = run(folded), b = run(plain);
    for (std::size_t i = 0; i < a.size(); ++i) {
      CAPTURE(i);
      CHECK(torch::allclose(a[i], b[i], 1e-4, 1e-4 * b[i].abs().max().item<double>()));
    }
  }
  pair_of_layers<smooth> one{smooth{}, true};
  CHECK_THROWS_WITH_AS((void)one.convolution.normalized({.levels = torch::ones({1, 3, 2, 2})},
                                                        one.norm, phase::training),
                       doctest::Contains("want more than one value per channel in training"),
                       std::invalid_argument);
}

namespace {

/// Runs a few training batches and perturbs batch norm, so that statistics, ranges and parameters
/// are not the initial ones.
template<typename Network>
Network stirred(Network n)
{
  const torch::NoGradGuard without_graph;
  for (std::uint64_t i = 0; i < 10; ++i) (void)n.forward(images(8, 100 + i));
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (name.find("batch_norm") == std::string::npos) return;
    if (name.ends_with(".weight")) t.mul_(torch::rand_like(t) * 2 - 0.3);
    if (name.ends_with(".bias")) t.add_(torch::randn_like(t) * 0.3);
  });
  for (std::uint64_t i = 0; i < 3; ++i) (void)n.forward(images(8, 200 + i));
  return n;
}

template<typename Network>
rw::snapshot state_in(Network n)
{
  return rw::snapshot_of(n);
}

/// Folds batch norm explicitly: its factor goes into the weights, and a batch norm that only
/// shifts remains.
/// @param plain a network made without folding, otherwise like `of`
template<typename Network>
Network really_folded(const Network& of, Network plain, bool wide)
{
  rw::restore(plain, state_in(of));
  std::map<std::string, torch::Tensor> all;
  rw::for_each_tensor(
      plain, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) { all[name] = t; });
  const torch::NoGradGuard without_graph;
  const auto fold = [&](const std::string& layer, const std::string& norm) {
    if (!all.contains(layer + ".weight") || !all.contains(norm + ".weight")) return;
    auto &gamma = all.at(norm + ".weight"), &beta = all.at(norm + ".bias"),
         &mean = all.at(norm + ".running_mean"), &variance = all.at(norm + ".running_variance");
    const auto factor = gamma * (variance + 1e-5).rsqrt();
    all.at(layer + ".weight").mul_(factor.view({-1, 1, 1, 1}));
    beta.sub_(mean * factor);
    mean.zero_();
    gamma.fill_(1);
    variance.fill_(1 - 1e-5);
  };
  if (!wide) fold("stem", "stem_batch_norm");
  for (const auto& layer : plain.layers()) {
    const auto& name = layer.place.name;
    const auto block = name.substr(0, name.rfind('.') + 1);
    if (name.ends_with(".convolution1")) fold(name, block + (wide ? "batch_norm2" : "batch_norm1"));
    if (name.ends_with(".convolution2") && !wide) fold(name, block + "batch_norm2");
    if (name.ends_with(".shortcut") && !wide) fold(name, block + "shortcut_batch_norm");
  }
  return plain;
}

std::string text_of(const rw::report::table& rows) { return rows.markdown(); }

}  // namespace

TEST_CASE("a folded network computes as one that has been folded, and then quantized")
{
  const auto check = [&](const auto& make, bool wide) {
    const rw::network_options folding{.seed = rw::seed{4}, .fold_batch_norm = true};
    const auto network = stirred(make(folding));
    const auto folded = really_folded(network, make({.seed = rw::seed{4}}), wide);
    const auto examples = images(6, 1);
    const torch::NoGradGuard without_graph;
    const auto answer = network.predict(examples).logits;
    CHECK(torch::allclose(answer, folded.predict(examples).logits, 1e-6, 1e-6));
    CHECK(torch::equal(answer, network.predict(examples).logits));  // with cached weights
    bool some_integers = false;
    for (const auto& layer : network.layers())
      some_integers = some_integers || layer.arithmetic == rw::layer_arithmetic::integer;
    CHECK(some_integers == rw::integer_forward_support().available);
    {
      const rw::without_integers reference;
      CHECK(torch::equal(network.predict(examples).logits, answer));
    }
    CHECK(
        text_of(
            rw::report::quantization_table(rw::report::quantization_report(network, examples))) ==
        text_of(rw::report::quantization_table(rw::report::quantization_report(folded, examples))));

    // Folding does not commute with quantization: the same state without folding gives other
    // logits.
    auto unfolded = make({.seed = rw::seed{4}});
    rw::restore(unfolded, state_in(network));
    CHECK_FALSE(torch::allclose(unfolded.predict(examples).logits, answer, 1e-3, 1e-3));

    // Cached weights follow changes of batch norm, copies are deep, and a restored state restores
    // the logits.
    auto changed = network;
    const auto kept = state_in(changed);
    const auto parameters = changed.parameters();
    CHECK(torch::equal(changed.predict(examples).logits, answer));  // caches weights
    for (auto& p : parameters)
      if (p.name == "stage1.0.batch_norm2.weight") p.value.neg_();
    const auto after = changed.predict(examples).logits;
    CHECK_FALSE(torch::allclose(after, answer, 1e-3, 1e-3));
    CHECK(torch::equal(std::decay_t<decltype(changed)>{changed}.predict(examples).logits,
                       after));  // a copy has no cached weights
    CHECK(torch::equal(network.predict(examples).logits, answer));
    rw::restore(changed, kept);
    CHECK(torch::equal(changed.predict(examples).logits, answer));
  };
  check(
      [](const rw::network_options& o) {
        return rw::resnet8(small, rw::lsq{}, rw::inner_bits<4>, o);
      },
      false);
  check(
      [](const rw::network_options& o) {
        return rw::resnet8(small, rw::uniform_affine{.weight_scales = rw::granularity::per_tensor},
                           rw::all_alike{bit_width{4}}, o);
      },
      false);
  check(
      [](const rw::network_options& o) {
        return rw::wide_resnet(10, 1, small, rw::paired{rw::lsq{}, rw::pact{}}, rw::inner_bits<3>,
                               o);
      },
      true);
}

TEST_CASE("in full precision a folded network is the network, but for rounding")
{
  const auto network = stirred(rw::resnet8(small, {.seed = rw::seed{4}, .fold_batch_norm = true}));
  auto plain = rw::resnet8(small, {.seed = rw::seed{4}});
  rw::restore(plain, state_in(network));
  const auto examples = images(6, 1);
  const auto expected = plain.predict(examples).logits;
  CHECK(torch::allclose(network.predict(examples).logits, expected, 1e-4, 1e-4));
  auto again = network;
  CHECK(torch::equal(again.forward(examples).logits, plain.forward(examples).logits));
  auto cast = network;
  cast.cast(torch::kBFloat16);
  CHECK(torch::allclose(cast.predict(examples).logits, expected, 0.1, 0.1));
}

TEST_CASE("a folded network is a student")
{
  rw::laws::hold_for(
      rw::resnet8(small, rw::uniform_affine{}, rw::inner_bits<4>, {.fold_batch_norm = true}),
      images(6));
  const auto data = rw::glyphs({.classes = 4, .train = 200, .test = 40, .seed = rw::seed{3}});
  rw::supervised full{.student = rw::resnet8(data.shape),
                      .optimizer = rw::sgd{.learning_rate = 0.05}};
  rw::fit(full, data.train, {.epochs = 8, .batch_size = 20});
  rw::supervised low{.student = rw::resnet8(data.shape, rw::uniform_affine{}, rw::inner_bits<4>,
                                            {.fold_batch_norm = true}),
                     .optimizer = rw::sgd{.learning_rate = 0.01}};
  const auto copied = rw::copy_weights(full.student, low.student);
  CHECK(copied.only_in_source.empty());
  rw::fit(low, data.train, {.epochs = 2, .batch_size = 20});
  CHECK(rw::accuracy(low.student, data.test) > 0.6);
  const auto before = low.student;
  rw::update_bn(low.student, data.train, rw::no_agent{}, {.batch_size = 50});
  CHECK(rw::accuracy(low.student, data.test) > 0.6);
  const auto a = before.buffers(), b = low.student.buffers();
  std::size_t moved = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].name.ends_with("running_variance"))
      moved += torch::equal(a[i].value, b[i].value) ? 0U : 1U;
  CHECK(moved == 9);
}

TEST_CASE("quantizers with a size of their own refuse")
{
  static_assert(rw::takes_folded_weights<rw::no_quantizer>());
  static_assert(rw::takes_folded_weights<rw::lsq>());
  static_assert(rw::takes_folded_weights<rw::lsq_plus>());
  static_assert(rw::takes_folded_weights<rw::uniform_affine<>>());
  static_assert(rw::takes_folded_weights<rw::paired<rw::lsq, rw::dorefa>>());
  static_assert(!rw::takes_folded_weights<rw::paired<rw::dorefa, rw::lsq>>());
  const auto refuses = [](const auto& q, const auto& scheme, const std::string& name) {
    CHECK_THROWS_WITH_AS(
        (void)rw::resnet8(small, q, scheme, {.fold_batch_norm = true}),
        ("rolewise: resnet8: batch norm cannot be folded into weights that are quantized by " +
         name +
         ": its levels do not follow the size of each filter; take lsq, lsq_plus or uniform_affine")
            .c_str(),
        std::invalid_argument);
  };
  refuses(rw::dorefa{}, rw::inner_bits<2>, "dorefa");
  refuses(rw::pact{}, rw::inner_bits<2>, "pact");
  refuses(rw::apot{}, rw::inner_bits<4>, "apot");
  refuses(rw::lq_nets{}, rw::inner_bits<2>, "lq-nets");
  refuses(rw::paired{rw::twn{}, rw::lsq{}}, rw::inner_bits<2>, "twn+lsq");
  refuses(rw::paired{rw::ttq{}, rw::lsq{}}, rw::inner_bits<2>, "ttq+lsq");
  refuses(rw::paired{rw::sawb{}, rw::lsq{}}, rw::inner_bits<2>, "sawb+lsq");
  refuses(rw::paired{rw::bwn{}, rw::lsq{}}, rw::inner_bits<1>, "bwn+lsq");
  refuses(rw::paired{rw::binary_connect{}, rw::lsq{}}, rw::inner_bits<1>, "binary-connect+lsq");
  CHECK_THROWS_WITH_AS(
      (void)rw::wide_resnet(10, 1, small, rw::dorefa{}, rw::inner_bits<2>,
                            {.normalization = rw::batch_norm_options{.folded = true}}),
      doctest::Contains("wide_resnet10-1: batch norm cannot be folded"), std::invalid_argument);
}
