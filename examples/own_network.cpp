// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A quantized network of your own: a template for experiments on architectures.
//
//     build/test/examples/own_network
//
// trains a 2-bit student of the class below and prints its accuracy and its costs.

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace rw = rolewise;

// [body]
namespace mine {

/// Two convolutions and a classifier, for images `[N, C, H, W]`. Each layer has a quantizer and a
/// bit width; the layers pass on levels, so that integers are multiplied where the quantizer allows
/// it.
template<rw::Quantizer Q>
class small_body : public rw::layered<small_body<Q>> {
 public:
  static constexpr rw::taps offered_taps{rw::tap::stage<1>, rw::tap::penultimate};

  /// @param scheme such as `inner_bits<2>`
  template<rw::BitWidthScheme Scheme>
  small_body(const rw::sample_shape& shape, const Q& q, const Scheme& scheme, rw::seed seed = {})
      : small_body{shape, q, rw::layer_plan{q, scheme, places()}, rw::weight_init{seed}}
  {}

  rw::outputs forward(const torch::Tensor& images, rw::phase when, rw::taps wanted)
  {
    auto x = first_.normalized(rw::unquantized<Q>(images), first_norm_, when);
    auto y = second_.normalized(into_second_.rectify(std::move(x), when), second_norm_, when);
    const auto map = std::move(y).rectified();
    const auto vector = map.mean(torch::IntArrayRef{2, 3});  // what the classifier reads
    rw::outputs found{.logits = classifier_(vector, when) * scale_, .features = {}};
    if (wanted.contains(rw::tap::stage<1>)) found.features.set(rw::tap::stage<1>, map);
    if (wanted.contains(rw::tap::penultimate)) found.features.set(rw::tap::penultimate, vector);
    return found;
  }

  // One list of the layers gives state, dtype, precision and reports. A layer that runs and is
  // missing here is an error: it would be neither trained, nor copied, nor stored.
  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("first", self.first_, "first_norm", self.first_norm_);
    f("into_second", self.into_second_);
    f("second", self.second_, "second_norm", self.second_norm_);
    f("classifier", self.classifier_);
  }
  // What is learned outside of the layers is shown beside them.
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    rw::layered<small_body>::visit_state(archive);
    archive.parameter("scale", scale_);
  }

  // The costs: bits, weights, and the output pixels of the last forward pass.
  std::vector<rw::layer_report> layers() const { return this->reports(); }
  std::string name() const { return "small"; }

 private:
  small_body(const rw::sample_shape& shape, const Q& q, const rw::layer_plan& plan,
             const rw::weight_init& start)
      : first_{q, plan.at("first", convolution), {.in = shape.channels, .out = 32}, start},
        second_{q, plan.at("second", convolution), {.in = 32, .out = 64, .stride = 2}, start},
        into_second_{q, plan.at("second", convolution)},
        classifier_{q, plan.at("classifier", rw::layer_kind::linear), 64, shape.classes, start}
  {}

  static constexpr auto convolution = rw::layer_kind::convolution;
  static std::vector<rw::layer_id> places()
  {
    return {{"first", convolution, 0, 3},
            {"second", convolution, 1, 3},
            {"classifier", rw::layer_kind::linear, 2, 3}};
  }

  rw::convolution<Q> first_, second_;
  rw::batch_norm first_norm_{32}, second_norm_{64};
  rw::activation<Q> into_second_;
  rw::linear<Q> classifier_;
  torch::Tensor scale_ = torch::ones({}).set_requires_grad(true);
};

static_assert(rw::NetworkBody<small_body<rw::dorefa>>);

}  // namespace mine
// [/body]

int main()
{
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});

  // [use]
  rw::network student{mine::small_body{data.shape, rw::dorefa{}, rw::inner_bits<2>}};
  rw::supervised training{.student = std::move(student)};
  rw::fit(training, data.train, {.epochs = 8, .batch_size = 32});
  // [/use]

  std::cout << "accuracy " << rw::accuracy(training.student, data.test) << '\n'
            << rw::report::cost_table(rw::costs_of(training.student)).text();
  rw::require_written();
}
