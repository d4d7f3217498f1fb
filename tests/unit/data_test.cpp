// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/counting_allocator.hpp"
#include "support/doctest.hpp"

#include <rolewise/data/batches.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/data/splits.hpp>

#include <ATen/Parallel.h>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using rolewise::batch;
using rolewise::batch_options;
using rolewise::dataset;
using rolewise::seed;
using rolewise::testing::counting_allocator;

template<typename F>
std::string refusal_of(const F& f)
{
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no refusal";
}

/// Images whose pixels count up, modulo 251: `[count, 2, 3, 3]`, ids from 1000 on.
dataset numbered(std::int64_t count, std::int64_t classes = 5)
{
  dataset data;
  data.shape = {2, 3, 3, classes};
  data.inputs = torch::arange(count * 18, torch::kLong)
                    .remainder(251)
                    .to(torch::kByte)
                    .view({count, 2, 3, 3});
  data.labels = torch::arange(count, torch::kLong).remainder(classes);
  data.ids = torch::arange(1000, 1000 + count, torch::kLong);
  data.normalization = {{0.5, 0.25}, {0.1, 0.2}};
  return data;
}

/// All batches, copied out of their buffers.
std::vector<batch> all_of(const dataset& data, const batch_options& options)
{
  std::vector<batch> result;
  for (const auto& b : rolewise::batches(data, options))
    result.push_back({b.inputs.clone(), b.labels.clone(), b.ids.clone(), b.normalization});
  return result;
}

bool same(const batch& a, const batch& b)
{
  return torch::equal(a.inputs, b.inputs) && torch::equal(a.labels, b.labels) &&
         torch::equal(a.ids, b.ids) && a.normalization == b.normalization;
}

bool same(const std::vector<batch>& a, const std::vector<batch>& b)
{
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const batch& x, const batch& y) { return same(x, y); });
}

bool same(const dataset& a, const dataset& b)
{
  return torch::equal(a.inputs, b.inputs) && torch::equal(a.labels, b.labels) &&
         torch::equal(a.ids, b.ids) && a.normalization == b.normalization;
}

std::set<std::int64_t> as_set(const torch::Tensor& ids)
{
  const auto* first = ids.const_data_ptr<std::int64_t>();
  return {first, first + ids.numel()};
}

/// Runs `f` with 1, 2 and 4 threads.
template<typename F>
void for_thread_counts(const F& f)
{
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 4}) {
    at::set_num_threads(threads);
    f();
  }
  at::set_num_threads(before);
}

}  // namespace

TEST_CASE("glyphs are as many, as large and as balanced as asked for")
{
  const auto data = rolewise::glyphs(
      {.classes = 7, .height = 9, .width = 14, .channels = 3, .train = 100, .test = 50});
  CHECK(data.shape == rolewise::sample_shape{3, 9, 14, 7});
  CHECK(data.train.shape == data.shape);
  CHECK(data.test.shape == data.shape);
  CHECK(data.train.inputs.sizes() == at::IntArrayRef{100, 3, 9, 14});
  CHECK((data.train.inputs.scalar_type() == torch::kByte));
  CHECK(data.test.inputs.sizes() == at::IntArrayRef{50, 3, 9, 14});
  for (const auto* part : {&data.train, &data.test}) {
    const auto counts = part->labels.bincount({}, 7);
    CHECK(counts.size(0) == 7);
    CHECK((counts.max() - counts.min()).item<std::int64_t>() <= 1);
  }
  CHECK(torch::equal(data.train.ids, torch::arange(100)));
  CHECK(torch::equal(data.test.ids, torch::arange(100, 150)));
  const auto x = rolewise::normalized_inputs(data.train.examples(), torch::kFloat64);
  const auto none = torch::zeros({3}, torch::kFloat64), one = torch::ones({3}, torch::kFloat64);
  CHECK(torch::allclose(x.mean({0, 2, 3}), none, 0, 1e-5));
  CHECK(torch::allclose(x.var({0, 2, 3}, false), one, 0, 1e-5));
  CHECK(data.test.normalization == data.train.normalization);
  CHECK(rolewise::glyphs({.train = 10, .test = 0}).test.size() == 0);
}

TEST_CASE("glyphs outside their range are refused")
{
  CHECK(refusal_of([] { (void)rolewise::glyphs({.classes = 1}); }) ==
        "rolewise: glyphs: want 2 to 1000 classes, got 1");
  CHECK(refusal_of([] { (void)rolewise::glyphs({.classes = 1001, .train = 2000}); }) ==
        "rolewise: glyphs: want 2 to 1000 classes, got 1001");
  CHECK(refusal_of([] { (void)rolewise::glyphs({.height = 7}); }) ==
        "rolewise: glyphs: want images of at least 8 x 8 pixels, got 7 x 16");
  CHECK(refusal_of([] { (void)rolewise::glyphs({.channels = 2}); }) ==
        "rolewise: glyphs: want 1 or 3 channels, got 2");
  CHECK(refusal_of([] { (void)rolewise::glyphs({.train = 9}); }) ==
        "rolewise: glyphs: want at least one training example for each of 10 classes, got 9");
  CHECK(refusal_of([] { (void)rolewise::glyphs({.test = -1}); }) ==
        "rolewise: glyphs: want 0 or more test examples, got -1");
}

TEST_CASE("a glyph image is a function of seed and id, for any number of threads")
{
  const auto want = rolewise::glyphs({.train = 60, .test = 20, .seed = seed{5}});
  for_thread_counts([&] {
    const auto again = rolewise::glyphs({.train = 60, .test = 20, .seed = seed{5}});
    CHECK(same(want.train, again.train));
    CHECK(same(want.test, again.test));
  });
  const auto more = rolewise::glyphs({.train = 80, .test = 0, .seed = seed{5}});
  CHECK(torch::equal(more.train.inputs.slice(0, 0, 60), want.train.inputs));
  CHECK(torch::equal(more.train.inputs.slice(0, 60), want.test.inputs));
  const auto other = rolewise::glyphs({.train = 60, .test = 20, .seed = seed{6}});
  CHECK(!torch::equal(other.train.inputs, want.train.inputs));
  // no two images are alike, of one class or of two
  const auto flat = more.train.inputs.view({80, -1}).to(torch::kFloat32);
  const auto away = torch::cdist(flat, flat) + 1e6 * torch::eye(80);
  CHECK(away.min().item<double>() > 100);
}

TEST_CASE("the glyphs of classes are far apart, mirrored or not, and the first ones stay")
{
  using namespace rolewise::detail;
  const auto least_distance = [](const std::vector<glyph>& all) {
    int least = glyph_strokes;
    for (std::size_t a = 0; a < all.size(); ++a)
      for (std::size_t b = 0; b < a; ++b)
        least = std::min(least, glyph_distance(all[a], all[b], mirrored_glyph(all[b])));
    return least;
  };
  for (std::uint64_t s = 0; s < 20; ++s) {
    const auto ten = glyph_alphabet(seed{s}, 10), hundred = glyph_alphabet(seed{s}, 100);
    CHECK(least_distance(ten) >= 5);
    CHECK(least_distance(hundred) >= 3);
    CHECK(std::equal(ten.begin(), ten.end(), hundred.begin()));
  }
  CHECK(least_distance(glyph_alphabet(seed{1}, 1000)) >= 2);
  CHECK(mirrored_glyph(mirrored_glyph(0x9A5C3)) == 0x9A5C3);
}

TEST_CASE("a linear model stays under 80 % on the glyphs as they come, flipped or not")
{
  const auto data = rolewise::glyphs({.classes = 10, .seed = seed{1}});
  const auto flat = [](const dataset& part) {
    const auto x =
        rolewise::normalized_inputs(part.examples(), torch::kFloat64).reshape({part.size(), -1});
    return torch::cat({x, torch::ones({part.size(), 1}, torch::kFloat64)}, 1);
  };
  const auto x = flat(data.train);
  const auto targets = torch::one_hot(data.train.labels, 10).to(torch::kFloat64);
  const auto test = flat(data.test);
  for (const double ridge : {1.0, 100.0, 10000.0}) {
    const auto gram = x.t().mm(x) + ridge * torch::eye(x.size(1), torch::kFloat64);
    const auto weights = torch::cholesky_solve(x.t().mm(targets), at::linalg_cholesky(gram));
    const auto right = test.mm(weights).argmax(1) == data.test.labels;
    CHECK(right.to(torch::kFloat64).mean().item<double>() < 0.8);
  }
}

TEST_CASE("an epoch shows every example once, with its own label and id")
{
  const auto data = numbered(103);
  std::vector<std::int64_t> sizes;
  std::set<std::int64_t> seen;
  for (const auto& b : rolewise::batches(data, {.size = 20, .seed = seed{3}})) {
    sizes.push_back(b.size());
    const auto places = b.ids - 1000;
    CHECK(torch::equal(b.inputs, data.inputs.index_select(0, places)));
    CHECK(torch::equal(b.labels, data.labels.index_select(0, places)));
    CHECK(b.normalization == data.normalization);
    seen.merge(as_set(b.ids));
  }
  CHECK(sizes == std::vector<std::int64_t>{20, 20, 20, 20, 20, 3});
  CHECK(seen.size() == 103);
  CHECK(rolewise::batches(data, {.size = 20}).size() == 6);
  CHECK(rolewise::batch_count(103, {.size = 20}) == 6);
  CHECK(rolewise::batch_count(100, {.size = 20}) == 5);
  CHECK(rolewise::batch_count(103, {.size = 20, .drop_last = true}) == 5);
  CHECK(all_of(data, {.size = 20, .drop_last = true}).size() == 5);
  CHECK(all_of(data, {.size = 200, .drop_last = true}).empty());
  CHECK(all_of(data, {.size = 200}).size() == 1);
  CHECK(all_of(rolewise::subset(data, torch::empty({0}, torch::kLong)), {}).empty());
}

TEST_CASE("the order is a function of seed and epoch, or that of the data set")
{
  const auto data = numbered(64);
  const auto order = [&](const batch_options& options) { return all_of(data, options)[0].ids; };
  const batch_options plain{.size = 64, .seed = seed{9}, .epoch = 2};
  const auto want = rolewise::permutation(seed{9}.split(rolewise::purpose{"order"}), 2, 64);
  CHECK(torch::equal(order(plain), torch::tensor(want, torch::kLong) + 1000));
  auto other = plain;
  other.epoch = 3;
  CHECK(!torch::equal(order(plain), order(other)));
  other = plain;
  other.seed = seed{10};
  CHECK(!torch::equal(order(plain), order(other)));
  other = plain;
  other.shuffle = false;
  CHECK(torch::equal(order(other), data.ids));
}

TEST_CASE("batches are the same for any threads, in the background or not, again, and resumed")
{
  const auto data = rolewise::glyphs({.train = 150, .test = 0}).train;
  const batch_options options{.size = 16, .seed = seed{4}, .epoch = 7};
  const auto want = all_of(data, options);
  REQUIRE(want.size() == 10);
  for_thread_counts([&] {
    CHECK(same(all_of(data, options), want));
    auto here = options;
    here.prefetch = false;
    CHECK(same(all_of(data, here), want));
  });
  for (std::int64_t first = 0; first <= 10; ++first) {
    auto rest = options;
    rest.first_step = first;
    CHECK(rolewise::batches(data, rest).size() == static_cast<std::size_t>(10 - first));
    CHECK(same(all_of(data, rest), {want.begin() + first, want.end()}));
  }
  auto cut = options;
  cut.drop_last = true;
  CHECK(same(all_of(data, cut), {want.begin(), want.begin() + 9}));
}

TEST_CASE("batches are a range like any other")
{
  const auto data = numbered(100);
  const auto want = all_of(data, {.size = 8});
  const auto all = rolewise::batches(data, {.size = 8});
  const auto sizes = all | ranges::views::take(3) | ranges::views::transform(&batch::size) |
                     ranges::to<std::vector>();
  CHECK(sizes == std::vector<std::int64_t>{8, 8, 8});
  const auto copy = all;
  auto a = all.begin(), b = copy.begin();  // two iterations at once are independent
  ++a;
  CHECK(same(*a, want[1]));
  CHECK(same(*b, want[0]));
  ++b;
  CHECK(same(*b, want[1]));
  const auto kept = all | ranges::to<std::vector>();  // more batches than the pool has buffers
  CHECK(same(kept, want));
  CHECK(rolewise::batches_view{}.size() == 0);
  CHECK((rolewise::batches_view{}.begin() == rolewise::batches_view{}.end()));
  for (int i = 0; i < 50; ++i)  // leaves the loop while a batch is prepared
    for (const auto& first : all) {
      CHECK(same(first, want[0]));
      break;
    }
}

TEST_CASE("soft labels and images that are normalized already pass through")
{
  auto data = numbered(30);
  data.labels = torch::arange(30 * 5, torch::kFloat32).view({30, 5});
  data.inputs = data.inputs.to(torch::kFloat32);
  for (const auto& b : rolewise::batches(data, {.size = 7})) {
    CHECK(torch::equal(b.labels, data.labels.index_select(0, b.ids - 1000)));
    CHECK(torch::equal(b.inputs, data.inputs.index_select(0, b.ids - 1000)));
  }
  data.inputs = numbered(30).inputs.permute({0, 1, 3, 2});  // other strides, same order of pixels
  for (const auto& b : rolewise::batches(data, {.size = 7}))
    CHECK(torch::equal(b.inputs, data.inputs.index_select(0, b.ids - 1000)));
}

TEST_CASE("batches of what is no data set are refused")
{
  const auto data = numbered(30);
  const auto says = [](const dataset& d, const batch_options& o = {}) {
    return refusal_of([&] { (void)rolewise::batches(d, o); });
  };
  CHECK(says(data, {.size = 0}) == "rolewise: batches: want batches of at least 1, got 0");
  CHECK(says(data, {.epoch = -1}) == "rolewise: batches: want an epoch of at least 0, got -1");
  CHECK(says(data, {.size = 10, .first_step = 4}) ==
        "rolewise: batches: want a first step of 0 to 3, got 4");
  CHECK(says(data, {.first_step = -1}) == "rolewise: batches: want a first step of 0 to 1, got -1");
  CHECK(says({}) ==
        "rolewise: batches: want as many labels and ids as inputs, got inputs "
        "undefined, labels undefined, ids undefined");
  auto broken = data;
  broken.labels = data.labels.slice(0, 1);
  CHECK(says(broken) ==
        "rolewise: batches: want as many labels and ids as inputs, got inputs "
        "[30, 2, 3, 3], labels [29], ids [30]");
  broken = data;
  broken.inputs = torch::empty({30, 2, 3, 3}, torch::TensorOptions{}.device(torch::kMeta));
  CHECK(says(broken) == "rolewise: batches: want a data set on the CPU, got one on meta");
}

TEST_CASE("memory that is still referenced is never written again")
{
  const auto data = numbered(400);
  const auto want = all_of(data, {.size = 10});
  for (const bool prefetch : {true, false}) {
    std::vector<torch::Tensor> whole, row, labels;
    int step = 0;
    for (const auto& b : rolewise::batches(data, {.size = 10, .prefetch = prefetch})) {
      if (step % 3 == 0) whole.push_back(b.inputs);
      if (step % 3 == 1) row.push_back(b.inputs.select(0, 4).flatten());  // a view keeps the buffer
      if (step % 5 == 0) labels.push_back(b.labels.view({5, 2}));
      ++step;
    }
    for (std::size_t i = 0; i < whole.size(); ++i)
      CHECK(torch::equal(whole[i], want[3 * i].inputs));
    for (std::size_t i = 0; i < row.size(); ++i)
      CHECK(torch::equal(row[i], want[3 * i + 1].inputs.select(0, 4).flatten()));
    for (std::size_t i = 0; i < labels.size(); ++i)
      CHECK(torch::equal(labels[i].flatten(), want[5 * i].labels));
  }
}

TEST_CASE("what a reader does to a tensor itself does not reach the next reader")
{
  auto data = numbered(100);
  data.inputs = data.inputs.to(torch::kFloat32);
  for (auto b : rolewise::batches(data, {.size = 10, .prefetch = false})) {
    CHECK(!b.inputs.requires_grad());
    CHECK(b.inputs.sizes() == at::IntArrayRef{10, 2, 3, 3});
    b.inputs.requires_grad_();
    b.labels.resize_({3});
  }
}

TEST_CASE("once it runs, an epoch whose batches are dropped asks for no memory")
{
  const auto data = rolewise::glyphs({.train = 1024, .test = 0}).train;
  const std::size_t batch_bytes = 32 * 16 * 16;
  for (const bool prefetch : {true, false}) {
    counting_allocator memory{batch_bytes};
    int step = 0;
    for (const auto& b : rolewise::batches(data, {.size = 32, .prefetch = prefetch})) {
      CHECK(b.size() == 32);
      ++step;
    }
    CHECK(step == 32);
    CHECK(memory.count() >= 1);  // the counter includes the buffers
    // At most the reader's buffer, the next one and the one being filled: how many exist at once
    // depends on timing, but 32 batches need no more.
    CHECK(memory.count() <= (prefetch ? 3 : 2));
  }
  counting_allocator memory{batch_bytes};
  const auto kept = rolewise::batches(data, {.size = 32}) | ranges::to<std::vector>();
  CHECK(memory.count() == 32);
}

TEST_CASE("the pool makes a buffer only when none of the kind is free")
{
  rolewise::buffer_pool pool{2};
  auto a = pool.take({4, 3}, torch::kByte);
  const auto* const place = a.const_data_ptr();
  auto b = pool.take({4, 3}, torch::kByte);
  CHECK(pool.made() == 2);
  CHECK(b.const_data_ptr() != place);
  auto slice = a.slice(0, 1, 2);
  a.reset();
  (void)pool.take({1}, torch::kLong);  // both buffers are in use: the pool drops the older one
  CHECK(pool.made() == 3);
  slice.reset();
  b.reset();
  (void)pool.take({4, 3}, torch::kByte);
  CHECK(pool.made() == 3);
  (void)pool.take({4, 3}, torch::kChar);
  CHECK(pool.made() == 4);
  (void)pool.take({3, 4}, torch::kByte);
  CHECK(pool.made() == 5);
}

TEST_CASE("a stratified split divides every class and loses no example")
{
  auto data = numbered(203, 4);
  data.labels = torch::cat({data.labels.slice(0, 0, 120), torch::zeros({60}, torch::kLong),
                            torch::full({23}, 3, torch::kLong)});
  for (const double share : {0.05, 0.1, 0.25, 0.5, 0.9}) {
    const auto [train, validation] =
        rolewise::stratified_split(data, rolewise::fraction{share}, seed{8});
    CHECK(train.size() + validation.size() == 203);
    CHECK(std::abs(static_cast<double>(validation.size()) - 203 * share) <= 0.5);
    auto all = as_set(train.ids);
    all.merge(as_set(validation.ids));
    CHECK(all == as_set(data.ids));
    const auto counts = data.labels.bincount().to(torch::kFloat64);
    const auto away = validation.labels.bincount({}, 4).to(torch::kFloat64) - share * counts;
    CHECK(away.abs().max().item<double>() < 1);
    for (const auto* part : {&train, &validation}) {
      CHECK(torch::equal(part->inputs, data.inputs.index_select(0, part->ids - 1000)));
      CHECK(torch::equal(part->labels, data.labels.index_select(0, part->ids - 1000)));
      CHECK(torch::equal(part->ids, std::get<0>(part->ids.sort())));
      CHECK(part->normalization == data.normalization);
    }
  }
}

TEST_CASE("a split depends on seed and ids, not on the order of the data set")
{
  const auto data = numbered(100);
  const auto order = torch::tensor(rolewise::permutation(seed{1}, 0, 100), torch::kLong);
  const auto held = [](const dataset& d, seed s) {
    return as_set(rolewise::stratified_split(d, rolewise::fraction{0.3}, s).validation.ids);
  };
  CHECK(held(data, seed{2}) == held(data, seed{2}));
  CHECK(held(data, seed{2}) == held(rolewise::subset(data, order), seed{2}));
  CHECK(held(data, seed{2}) != held(data, seed{3}));
}

TEST_CASE("a stratified subset is balanced and grows without losing anybody")
{
  const auto data = numbered(100);
  std::set<std::int64_t> before;
  for (const std::int64_t count : {5, 12, 33, 60, 100}) {
    const auto part = rolewise::stratified_subset(data, count, seed{4});
    CHECK(part.size() == count);
    const auto counts = part.labels.bincount({}, 5);
    CHECK((counts.max() - counts.min()).item<std::int64_t>() <= 1);
    const auto current = as_set(part.ids);
    CHECK(current.size() == static_cast<std::size_t>(count));
    CHECK(std::includes(current.begin(), current.end(), before.begin(), before.end()));
    before = current;
  }
}

TEST_CASE("a split that cannot be fair is refused")
{
  const auto data = numbered(30);
  const auto split = [](const dataset& d, double share) {
    return refusal_of(
        [&] { (void)rolewise::stratified_split(d, rolewise::fraction{share}, seed{1}); });
  };
  CHECK(split(data, 0) ==
        "rolewise: stratified_split: class 0 has 6 examples; a share of 0 would hold out 0 and "
        "leave 6, want at least 1 each: more examples, or another share");
  CHECK(split(data, 1) ==
        "rolewise: stratified_split: class 0 has 6 examples; a share of 1 would hold out 6 and "
        "leave 0, want at least 1 each: more examples, or another share");
  CHECK(split(data, 0.1) ==
        "rolewise: stratified_split: class 3 has 6 examples; a share of 0.1 would hold out 0 and "
        "leave 6, want at least 1 each: more examples, or another share");
  CHECK(split({}, 0.5) == "rolewise: stratified_split: the data set is empty");
  auto broken = data;
  broken.shape.classes = 6;
  CHECK(split(broken, 0.5) ==
        "rolewise: stratified_split: class 5 has no examples; the 5 labels that occur, 0 to 4, "
        "become 5 classes, 0 to 4, by `relabeled`, or by .relabel of open_dataset and idx_dataset");
  broken.shape.classes = 4;
  CHECK(split(broken, 0.5) ==
        "rolewise: stratified_split: label 4 of example 4 is not among 4 classes");
  broken = data;
  broken.labels = data.labels.clone();
  broken.labels[3] = -100;
  CHECK(split(broken, 0.5) ==
        "rolewise: stratified_split: label -100 of example 3 is not among 5 classes");
  broken = data;
  broken.ids = data.ids.clone();
  broken.ids[7] = 1003;
  CHECK(split(broken, 0.5) ==
        "rolewise: stratified_split: id 1003 occurs twice, so its copies could end up in both "
        "parts");
  broken = data;
  broken.labels = data.labels.to(torch::kFloat32);
  CHECK(split(broken, 0.5) ==
        "rolewise: stratified_split: want one int64 label for each of 30 examples");
  broken = data;
  broken.ids = data.ids.slice(0, 1);
  CHECK(split(broken, 0.5) ==
        "rolewise: stratified_split: want one int64 id for each of 30 examples");

  const auto some = [&](std::int64_t count) {
    return refusal_of([&] { (void)rolewise::stratified_subset(data, count, seed{1}); });
  };
  CHECK(some(4) ==
        "rolewise: stratified_subset: want at least one example for each of 5 classes, got 4");
  CHECK(some(31) == "rolewise: stratified_subset: class 0 has 6 examples, want 7");
}

TEST_CASE("the scaling of images is counted, and a flat channel is left as it is")
{
  auto images = torch::empty({4, 2, 2, 2}, torch::kByte);
  images.select(1, 0).fill_(51);
  images.select(1, 1).copy_(torch::arange(16, torch::kByte).view({4, 2, 2}).remainder(2).mul(255));
  const auto normalization = rolewise::normalization_of(images);
  CHECK(normalization.mean[0] == doctest::Approx(0.2).epsilon(1e-12).scale(0));
  CHECK(normalization.std[0] == 1.0);
  CHECK(normalization.mean[1] == doctest::Approx(0.5).epsilon(1e-12).scale(0));
  CHECK(normalization.std[1] == doctest::Approx(0.5).epsilon(1e-12).scale(0));
  CHECK(refusal_of([] { (void)rolewise::normalization_of(torch::zeros({2, 2})); }) ==
        "rolewise: normalization_of: want images [N, C, H, W] of uint8, at least one");
}
