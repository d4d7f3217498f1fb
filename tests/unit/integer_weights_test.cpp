// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/data_files.hpp"

#include <rolewise/core/checksum.hpp>
#include <rolewise/network/integer_weights.hpp>
#include <rolewise/network/quantized_weight.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/bwn.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/paired.hpp>
#include <rolewise/quant/sawb.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/quant/ttq.hpp>
#include <rolewise/quant/twn.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/quant/xnor.hpp>
#include <rolewise/support/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rw = rolewise;

namespace {

using rolewise::testing::scratch_folder;

const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};

struct exported {
  std::map<std::string, torch::Tensor> tensors;
  std::map<std::string, std::string> metadata;

  explicit exported(const std::string& path)
  {
    const auto file = rw::support::read_safetensors(path);
    tensors = {file.tensors.begin(), file.tensors.end()};
    metadata = {file.metadata.begin(), file.metadata.end()};
  }
  /// As the comment of `write_integer_weights` gives it.
  torch::Tensor weights(const std::string& layer) const
  {
    const auto about = nlohmann::json::parse(metadata.at("layer." + layer));
    const auto& scale = tensors.at(layer + ".weight_scale");
    auto x = tensors.at(layer + ".weight").to(scale.scalar_type());
    x = (x - about.at("zero_point").get<std::int64_t>()) * scale;
    const auto offset = tensors.find(layer + ".weight_offset");
    return offset == tensors.end() ? x : x + offset->second;
  }
};

/// Archive that shows the weights of each layer as evaluation multiplies them.
struct evaluated_weights {
  std::map<std::string, torch::Tensor> found;

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<rw::PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
  template<typename Weights>
  void weights(Weights& of_layer)
  {
    if (of_layer.is_full()) return;
    of_layer.show_levels([&](const rw::layer_id& place, rw::bit_width, const torch::Tensor&,
                             const rw::quantized& q) { found[place.name] = q.values(); });
  }
};

/// A network of one layer with weights of a quantizer.
template<rw::Quantizer Q>
struct one_layer {
  rw::quantized_weight<Q> weight;
  torch::Tensor bias = torch::randn(6);

  one_layer(const Q& q, int bits)
      : weight{q,
               {.place = {"layer", rw::layer_kind::convolution, 1, 3},
                .widths = {rw::bit_width{bits}, rw::bit_width{32}}},
               torch::randn({6, 4, 3, 3}).mul_(0.3)}
  {
    (void)weight(rw::phase::training);  // initializes ranges
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("layer", weight);
    archive.parameter("bias", bias);
  }
};

/// Exports weights of a quantizer and compares what the file says with what evaluation multiplies.
template<typename Q>
void check(const Q& quantizer, int bits, torch::ScalarType codes)
{
  CAPTURE(Q::name);
  CAPTURE(bits);
  torch::manual_seed(5);
  const scratch_folder folder;
  const auto path = folder / "student.safetensors";
  one_layer<Q> net{quantizer, bits};
  const auto before = rw::state_sum(net);
  rw::write_integer_weights(net, path);
  CHECK(rw::state_sum(net) == before);

  const exported file{path};
  const torch::NoGradGuard without_graph;
  evaluated_weights wanted;
  net.visit_state(wanted);
  CHECK((file.tensors.at("layer.weight").scalar_type() == codes));
  CHECK(torch::equal(file.weights("layer"), wanted.found.at("layer")));
  CHECK(torch::equal(file.tensors.at("bias"), net.bias));
  const auto about = nlohmann::json::parse(file.metadata.at("layer.layer"));
  CHECK(about.at("bits") == bits);
  CHECK(about.at("quantizer") == std::string{Q::name});
}

TEST_CASE("integer weights of each quantizer with integer levels: those of evaluation, to the bit")
{
  for (const int bits : {1, 2, 4, 7}) check(rw::dorefa{}, bits, torch::kChar);
  check(rw::dorefa{}, 8, torch::kShort);  // odd levels up to 255
  check(rw::dorefa{}, 20, torch::kInt);
  check(rw::dorefa{}, 31, torch::kLong);  // float32 rounds 2^31 - 1 to 2^31
  check(rw::pact{}, 3, torch::kChar);
  for (const int bits : {1, 2, 4, 8}) check(rw::lsq{}, bits, torch::kChar);
  for (const int bits : {2, 4}) check(rw::lsq_plus{}, bits, torch::kChar);
  check(rw::apot{}, 3, torch::kChar);
  check(rw::apot{}, 8, torch::kShort);
  check(rw::uniform_affine{}, 8, torch::kChar);
  check(rw::paired{rw::twn{}, rw::pact{}}, 2, torch::kChar);
  check(rw::paired{rw::sawb{}, rw::pact{}}, 4, torch::kChar);
  check(rw::paired{rw::bwn{}, rw::dorefa{}}, 1, torch::kChar);
  check(rw::xnor{}, 1, torch::kChar);
  check(rw::paired{rw::binary_connect{}, rw::dorefa{}}, 1, torch::kChar);
}

TEST_CASE("integer weights of a network: full-precision ends, folded batch norm, other tensors")
{
  const scratch_folder folder;
  const auto path = folder / "student.safetensors";
  for (const bool folds : {false, true}) {
    auto net = rw::resnet8(small, rw::lsq{}, rw::inner_bits<4>, {.fold_batch_norm = folds});
    torch::manual_seed(5);
    (void)net.forward({torch::randint(0, 256, {8, 1, 8, 8}, torch::kByte),
                       torch::zeros(8, torch::kLong),
                       torch::arange(8),
                       {{0.5}, {0.25}}});
    rw::write_integer_weights(net, path);
    const exported file{path};
    CHECK(file.metadata.at("rolewise.integer_weights") == "1");
    CHECK(
        file.metadata.at("layer.stage1.0.convolution1") ==
        std::string{R"({"quantizer": "lsq", "bits": 4, "activation_bits": 4, "zero_point": 0, )"} +
            (folds ? R"("folded": true})" : R"("folded": false})"));
    const torch::NoGradGuard without_graph;
    evaluated_weights wanted;
    net.visit_state(wanted);
    CHECK(wanted.found.size() == 8);
    for (const auto& [layer, values] : wanted.found) {
      CAPTURE(layer);
      CHECK(torch::equal(file.weights(layer), values));
    }
    for (const auto& tensors : {net.parameters(), net.buffers()})
      for (const auto& [name, value, kind] : tensors) {
        CAPTURE(name);
        REQUIRE(file.tensors.contains(name));
        if (file.tensors.contains(name + "_scale"))
          CHECK((file.tensors.at(name).scalar_type() == torch::kChar));
        else
          CHECK(torch::equal(file.tensors.at(name), value));
      }
    CHECK((file.tensors.at("stem.weight").scalar_type() == torch::kFloat));
    CHECK_FALSE(file.metadata.contains("layer.classifier"));
  }
}

TEST_CASE(
    "integer weights: levels that are no integers, full precision and NaN are refused in words")
{
  const scratch_folder folder;
  const auto path = folder / "student.safetensors";
  const auto refused = [&](const auto& net) {
    CHECK_THROWS_WITH_AS(rw::write_integer_weights(net, path),
                         doctest::Contains("want integer levels, those of"), std::invalid_argument);
  };
  refused(one_layer{rw::lq_nets{}, 2});
  refused(one_layer{rw::paired{rw::ttq{}, rw::pact{}}, 2});
  CHECK_THROWS_WITH_AS(rw::write_integer_weights(rw::resnet8(small), path),
                       doctest::Contains("a layer of fewer than 32 bits, this one has none"),
                       std::invalid_argument);
  const auto broken = rw::resnet8(small, rw::lsq{}, rw::inner_bits<2>);
  const torch::NoGradGuard without_graph;
  for (auto& each : broken.parameters()) each.value.fill_(NAN);
  CHECK_THROWS_AS(rw::write_integer_weights(broken, path), std::runtime_error);
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
