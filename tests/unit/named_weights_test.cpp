// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/data_files.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/network/imagenet_resnet.hpp>
#include <rolewise/network/load_named_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/support/safetensors.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

using rw::testing::scratch_folder;
using rw::tests::images;
using rw::tests::tensors_of;
using strings = std::vector<std::string>;

const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};
const rw::residual_plan<2, rw::residual_form::bottleneck> deep{
    .name = "deep",
    .stem = 6,
    .widths = {12, 16},
    .blocks = {1, 2},
    .first_layers = rw::residual_stem::pooled};
const rw::vgg_plan thin{
    .name = "thin", .convolutions = {1, 2, 1, 3, 2}, .widths = {6, 8, 10, 12, 14}};

/// Tensors that no network has at first.
template<typename Network>
Network stirred(Network n)
{
  torch::manual_seed(7);
  const torch::NoGradGuard without_graph;
  for (const auto& tensors : {n.parameters(), n.buffers()})
    for (const auto& t : tensors) torch::Tensor{t.value}.add_(torch::rand_like(t.value));
  return n;
}

/// Replaces words of a name, one after the other.
std::string replaced(std::string name,
                     const std::vector<std::pair<std::string, std::string>>& words)
{
  for (const auto& [ours, theirs] : words)
    if (const auto at = name.find(ours); at != std::string::npos)
      name.replace(at, ours.size(), theirs);
  return name;
}

std::string as_torchvision(const std::string& name)
{
  return replaced(name, {{"stem_batch_norm", "bn1"},
                         {"stem", "conv1"},
                         {"stage", "layer"},
                         {"shortcut_batch_norm", "downsample.1"},
                         {"shortcut", "downsample.0"},
                         {"convolution", "conv"},
                         {"batch_norm", "bn"},
                         {"classifier", "fc"},
                         {"variance", "var"}});
}
std::string as_large_resnet_of_rep_distiller(const std::string& name)
{
  return replaced(as_torchvision(name), {{"downsample", "shortcut"}, {"fc", "linear"}});
}
std::string as_wide_resnet(const std::string& name)
{
  auto theirs = replaced(name, {{"last_batch_norm", "bn1"},
                                {"stem", "conv1"},
                                {"shortcut", "convShortcut"},
                                {"convolution", "conv"},
                                {"batch_norm", "bn"},
                                {"classifier", "fc"},
                                {"variance", "var"}});
  if (theirs.starts_with("stage"))
    theirs = "block" + theirs.substr(5, 1) + ".layer" + theirs.substr(6);
  return theirs;
}
std::string as_vgg(const std::string& name)
{
  if (!name.starts_with("block")) return name;
  const auto number = 3 * (name[7] - '0') + (name.find("batch_norm") == std::string::npos ? 0 : 1);
  return name.substr(0, 7) + std::to_string(number) +
         replaced(name.substr(name.rfind('.')), {{"variance", "var"}});
}

/// The weights of a network in a file, as Python would write them.
template<typename Network, typename Name>
rw::support::safetensors file_of(const Network& n, const Name& name)
{
  rw::support::safetensors file;
  for (const auto& tensors : {n.parameters(), n.buffers()})
    for (const auto& t : tensors) {
      const auto theirs = name(t.name);
      file.tensors.emplace_back(theirs, t.value.detach());
      if (const auto at = theirs.find("running_var"); at != std::string::npos)
        file.tensors.emplace_back(theirs.substr(0, at) + "num_batches_tracked",
                                  torch::tensor(std::int64_t{100}));
    }
  return file;
}

torch::Tensor& tensor_in(rw::support::safetensors& file, std::string_view name)
{
  const auto found = std::ranges::find(
      file.tensors, name, [](const auto& each) { return std::string_view{each.first}; });
  REQUIRE(found != file.tensors.end());
  return found->second;
}

/// A file that is gone with the object.
struct weights_file {
  scratch_folder folder{};
  std::string path = folder / "weights.safetensors";

  explicit weights_file(const rw::support::safetensors& content)
  {
    rw::support::write_safetensors(path, content);
  }
};

template<typename Network>
bool equal(const Network& a, const Network& b)
{
  const auto expected = tensors_of(b);
  return std::ranges::all_of(tensors_of(a), [&](const auto& each) {
    return torch::equal(each.second, expected.at(each.first));
  });
}

/// A part with a range that has no value at first.
struct ranged {
  torch::Tensor weight = torch::zeros(3).set_requires_grad(true);
  torch::Tensor step{};

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight);
    archive.range("step", step);
  }
};

/// A network of another seed gets the weights of the first through a file.
template<typename Make, typename Name>
void check_family(const Make& make, const Name& name, const rw::name_map& names)
{
  const auto trained = stirred(make(rw::network_options{}));
  auto fresh = make(rw::network_options{.seed = rw::seed{5}});
  const weights_file file{file_of(trained, name)};
  const auto report = rw::load_named_weights(fresh, file.path, names);
  CHECK(equal(fresh, trained));
  CHECK(report.is_complete());
  CHECK(report.loaded.size() == tensors_of(trained).size());
  CHECK(report.of_quantizers.empty());
  const auto examples = images(small, 3);
  CHECK(torch::equal(fresh.predict(examples).logits, trained.predict(examples).logits));
  for (const auto& each : report.left_out) CHECK(each.ends_with("num_batches_tracked"));
  CHECK(report.left_out.size() ==
        static_cast<std::size_t>(std::ranges::count_if(
            trained.buffers(), [](const auto& t) { return t.name.ends_with("variance"); })));
}

}  // namespace

TEST_CASE("names of other libraries become those of the networks")
{
  const auto maps = [](const rw::name_map& names, std::string_view theirs, std::string_view ours) {
    CAPTURE(theirs);
    CHECK(names(theirs) == std::optional<std::string>{ours});
  };
  const auto resnet = rw::resnet_names();
  maps(resnet, "conv1.weight", "stem.weight");
  maps(resnet, "bn1.running_mean", "stem_batch_norm.running_mean");
  maps(resnet, "bn1.running_var", "stem_batch_norm.running_variance");
  maps(resnet, "bn1.num_batches_tracked", "");
  maps(resnet, "layer1.0.conv1.weight", "stage1.0.convolution1.weight");
  maps(resnet, "layer3.22.bn3.bias", "stage3.22.batch_norm3.bias");
  maps(resnet, "layer4.0.downsample.0.weight", "stage4.0.shortcut.weight");
  maps(resnet, "layer4.0.downsample.1.running_var",
       "stage4.0.shortcut_batch_norm.running_variance");
  maps(resnet, "layer4.0.shortcut.1.weight", "stage4.0.shortcut_batch_norm.weight");
  maps(resnet, "fc.bias", "classifier.bias");
  maps(resnet, "linear.bias", "classifier.bias");
  for (const auto* name : {"conv11.weight", "layer1.conv1.weight", "layerx.0.conv1.weight",
                           "layer1.0.conv.weight", "features.0.weight", "xfc.bias", ""})
    CHECK_MESSAGE(!resnet(name), name);

  const auto wide = rw::wide_resnet_names();
  maps(wide, "conv1.weight", "stem.weight");
  maps(wide, "block1.layer.0.bn1.weight", "stage1.0.batch_norm1.weight");
  maps(wide, "block3.layer.5.conv2.weight", "stage3.5.convolution2.weight");
  maps(wide, "block2.layer.0.convShortcut.weight", "stage2.0.shortcut.weight");
  maps(wide, "bn1.running_var", "last_batch_norm.running_variance");
  maps(wide, "fc.weight", "classifier.weight");

  const auto vgg = rw::vgg_names();
  maps(vgg, "block0.0.weight", "block0.0.convolution.weight");
  maps(vgg, "block0.1.running_mean", "block0.0.batch_norm.running_mean");
  maps(vgg, "block4.9.bias", "block4.3.convolution.bias");
  maps(vgg, "block4.10.running_var", "block4.3.batch_norm.running_variance");
  maps(vgg, "classifier.weight", "classifier.weight");

  const rw::name_rules own{{{"head", ""}, {"part#.#", "a.#b#"}, {"part#", "b#"}}};
  maps(own, "head.weight", "");
  maps(own, "part12.3.weight", "a.12b3.weight");
  maps(own, "part12.weight", "b12.weight");
  maps(own, "part7", "b7");
  const rw::name_rules unmatched{{{"part#", "a#.#"}}};
  CHECK_THROWS_WITH_AS((void)unmatched("part1.weight"),
                       doctest::Contains("name_rules: 'a#.#' has more # than 'part#'"),
                       std::invalid_argument);
}

TEST_CASE("networks take weights by the names of torchvision, timm and RepDistiller")
{
  check_family([](const auto& options) { return rw::resnet14(small, options); }, as_torchvision,
               rw::resnet_names());
  check_family(
      [](const auto& options) {
        return rw::make_residual_network(deep, small, rw::no_quantizer{}, rw::full_precision{},
                                         options);
      },
      as_torchvision, rw::resnet_names());
  check_family(
      [](const auto& options) {
        return rw::make_residual_network(deep, small, rw::no_quantizer{}, rw::full_precision{},
                                         options);
      },
      as_large_resnet_of_rep_distiller, rw::resnet_names());
  check_family([](const auto& options) { return rw::wide_resnet(16, 2, small, options); },
               as_wide_resnet, rw::wide_resnet_names());
  check_family(
      [](const auto& options) {
        return rw::make_vgg(thin, small, rw::no_quantizer{}, rw::full_precision{}, options);
      },
      as_vgg, rw::vgg_names());
}

TEST_CASE("a low-bit network takes weights in full precision, and keeps the ranges that it has")
{
  const auto trained = stirred(rw::resnet8(small));
  const weights_file file{file_of(trained, as_torchvision)};
  auto dorefa = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<2>);
  CHECK(rw::load_named_weights(dorefa, file.path, rw::resnet_names()).of_quantizers.empty());
  auto n = rw::resnet8(small, rw::lsq{}, rw::inner_bits<3>);
  const auto before = tensors_of(rw::network{n});
  const auto report = rw::load_named_weights(n, file.path, rw::resnet_names());
  CHECK(report.is_complete());
  CHECK_FALSE(report.of_quantizers.empty());
  const auto expected = tensors_of(trained);
  for (const auto& [name, value] : tensors_of(n)) {
    CAPTURE(name);
    CHECK(torch::equal(value, expected.contains(name) ? expected.at(name) : before.at(name)));
    CHECK(expected.contains(name) ==
          (std::ranges::find(report.of_quantizers, name) == report.of_quantizers.end()));
  }
}

TEST_CASE("weights go into the memory that an optimizer holds, and gradients stay possible")
{
  const weights_file file{file_of(stirred(rw::resnet8(small)), as_torchvision)};
  auto n = rw::resnet8(small);
  const auto before = n.parameters();
  (void)rw::load_named_weights(n, file.path, rw::resnet_names());
  const auto after = n.parameters();
  for (std::size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i].value.is_same(before[i].value));
    CHECK(after[i].value.requires_grad());
    CHECK(after[i].value.is_leaf());
  }
}

TEST_CASE("a file that does not fit is refused with what does not, and changes nothing")
{
  const auto trained = stirred(rw::resnet8(small));
  auto content = file_of(trained, as_torchvision);
  tensor_in(content, "fc.weight") = torch::zeros({7, 64});
  tensor_in(content, "fc.bias") = torch::zeros(7);
  std::erase_if(content.tensors, [](const auto& each) {
    return each.first == "layer2.0.downsample.1.running_mean";
  });
  content.tensors.emplace_back("layer4.0.conv1.weight", torch::zeros({2, 2}));
  content.tensors.emplace_back("aux.weight", torch::zeros(3));
  const weights_file file{content};

  auto n = rw::resnet8(small);
  const auto before = n;
  const auto says = [&](const char* words) {
    CHECK_THROWS_WITH_AS((void)rw::load_named_weights(n, file.path, rw::resnet_names()),
                         doctest::Contains(words), std::runtime_error);
  };
  says((file.path + ": does not fit resnet8: ").c_str());
  says(
      "2 of the file fit nothing: 'layer4.0.conv1.weight' (stage4.0.convolution1.weight), "
      "'aux.weight'; 1 of the network get nothing: "
      "stage2.0.shortcut_batch_norm.running_mean; 2 differ: ");
  says("'fc.weight' (classifier.weight) is [7, 64], not [5, 64]");
  says("; load_options::partial loads what fits");
  CHECK(equal(n, before));

  const auto report = rw::load_named_weights(n, file.path, rw::resnet_names(), {.partial = true});
  CHECK((report.only_in_file ==
         std::vector<rw::renamed_tensor>{{"layer4.0.conv1.weight", "stage4.0.convolution1.weight"},
                                         {"aux.weight", ""}}));
  CHECK(report.only_in_network == strings{"stage2.0.shortcut_batch_norm.running_mean"});
  REQUIRE(report.unequal.size() == 2);
  const auto left =
      strings{"classifier.weight", "classifier.bias", "stage2.0.shortcut_batch_norm.running_mean"};
  const auto expected = tensors_of(trained), kept = tensors_of(before);
  for (const auto& [name, value] : tensors_of(n)) {
    CAPTURE(name);
    const bool is_left = std::ranges::find(left, name) != left.end();
    CHECK(torch::equal(value, is_left ? kept.at(name) : expected.at(name)));
  }
}

TEST_CASE("the report shows some names of many")
{
  const weights_file file{file_of(rw::resnet20(small), as_torchvision)};
  auto n = rw::resnet8(small);
  CHECK_THROWS_WITH_AS((void)rw::load_named_weights(n, file.path, rw::resnet_names()),
                       doctest::Contains(" of the file fit nothing: 'layer1.1.conv1.weight' "
                                         "(stage1.1.convolution1.weight), "),
                       std::runtime_error);
  const auto report = rw::load_named_weights(n, file.path, rw::resnet_names(), {.partial = true});
  CHECK(rw::to_text(report).find(" and " + std::to_string(report.only_in_file.size() - 6) +
                                 " more") != std::string::npos);
  // Partial or not, some tensor has to fit: here the names are another library's.
  CHECK_THROWS_WITH_AS(
      (void)rw::load_named_weights(n, file.path, rw::vgg_names(), {.partial = true}),
      doctest::Contains("holds nothing that fits resnet8: 0 tensors fit; "), std::runtime_error);
  CHECK_THROWS_AS((void)rw::load_named_weights(n, file.path + ".none"), std::runtime_error);
}

TEST_CASE("dtypes are converted where that is asked for")
{
  const auto trained = stirred(rw::resnet8(small));
  for (const auto type : {torch::kHalf, torch::kBFloat16, torch::kDouble}) {
    auto content = file_of(trained, as_torchvision);
    for (auto& [name, value] : content.tensors)
      if (value.is_floating_point()) value = value.to(type);
    const weights_file file{content};
    auto n = rw::resnet8(small);
    const auto before = n;
    CHECK_THROWS_WITH_AS(
        (void)rw::load_named_weights(n, file.path, rw::resnet_names()),
        doctest::Contains(type == torch::kHalf ? "is Half, not Float" : "holds nothing that fits"),
        std::runtime_error);
    CHECK(equal(n, before));
    const auto report =
        rw::load_named_weights(n, file.path, rw::resnet_names(), {.converts_dtypes = true});
    CHECK(report.is_complete());
    const auto found = tensors_of(n);
    for (const auto& [name, value] : tensors_of(trained)) {
      CHECK((found.at(name).scalar_type() == torch::kFloat));
      CHECK(torch::equal(found.at(name), value.to(type).to(torch::kFloat)));
    }
  }
  // Integers are no weights.
  auto content = file_of(trained, as_torchvision);
  auto& bias = tensor_in(content, "fc.bias");
  bias = bias.to(torch::kInt);
  const weights_file file{content};
  auto n = rw::resnet8(small);
  CHECK_THROWS_WITH_AS(
      (void)rw::load_named_weights(n, file.path, rw::resnet_names(), {.converts_dtypes = true}),
      doctest::Contains("'fc.bias' (classifier.bias) is Int, not Float"), std::runtime_error);
}

TEST_CASE("a function may be the name map, or none where names are the network's own")
{
  const auto trained = stirred(rw::resnet8(small));
  const weights_file file{
      file_of(trained, [](const std::string& name) { return "module." + as_torchvision(name); })};
  auto n = rw::resnet8(small);
  const auto names = [inner = rw::resnet_names()](std::string_view theirs) {
    return inner(theirs.substr(std::string_view{"module."}.size()));
  };
  CHECK(rw::load_named_weights(n, file.path, names).is_complete());
  CHECK(equal(n, trained));

  const auto one = [](std::string_view) { return std::optional<std::string>{"stem.weight"}; };
  CHECK_THROWS_WITH_AS((void)rw::load_named_weights(n, file.path, one),
                       doctest::Contains("the name map gives 'module."), std::invalid_argument);

  // Ranges of quantizers too, also one that has no value yet.
  rw::support::safetensors own;
  own.tensors.emplace_back("weight", torch::ones(3));
  own.tensors.emplace_back("step", torch::full({}, 0.25));
  const weights_file of_ranged{own};
  ranged part;
  CHECK(rw::load_named_weights(part, of_ranged.path).is_complete());
  CHECK(torch::equal(part.weight, torch::ones(3)));
  CHECK(torch::equal(part.step, torch::full({}, 0.25)));
  CHECK(part.step.requires_grad());
  ranged other;
  own.tensors.pop_back();
  const weights_file without{own};
  CHECK(rw::load_named_weights(other, without.path).is_complete());
  CHECK_FALSE(other.step.defined());
}
