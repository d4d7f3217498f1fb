// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels of losses of each instruction set that the machine has, one by one, against double
// precision.
#include "support/doctest.hpp"

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/detail/kernels/variants.hpp>

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace kernels = rolewise::detail::loss_kernels;

namespace {

constexpr float log2e = 1.44269504F;

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key, double times = 3)
{
  torch::manual_seed(key);
  return torch::randn(sizes) * times;
}

std::int64_t whole(std::size_t n) { return static_cast<std::int64_t>(n); }

/// `[rows, columns]`, in double.
torch::Tensor matrix(const auto& numbers, std::size_t rows, std::size_t columns)
{
  using number = typename std::remove_cvref_t<decltype(numbers)>::value_type;
  const auto type = std::is_same_v<number, double> ? torch::kDouble : torch::kFloat;
  return torch::from_blob(const_cast<number*>(numbers.data()), {whole(rows), whole(columns)},
                          torch::TensorOptions{}.dtype(type))
      .to(torch::kDouble, false, true);
}

/// By the largest element of what is wanted.
void check_close(const torch::Tensor& got, const torch::Tensor& want, double tolerance)
{
  const double most = want.abs().max().item<double>();
  CHECK((got - want).abs().max().item<double>() <= tolerance * most);
}

void for_sets(auto&& f)
{
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    f(*set);
  }
}

}  // namespace

TEST_CASE("kernels of softmax rows")
{
  const auto s = noise({1, 1111}, 1), t = noise({1, 1111}, 2);
  const auto* const x = s.const_data_ptr<float>();
  const auto* const y = t.const_data_ptr<float>();
  for_sets([&](const auto& set) {
    for (const std::size_t count : {1U, 3U, 4U, 15U, 16U, 17U, 100U, 1025U, 1111U}) {
      CAPTURE(count);
      const float most = *std::max_element(x, x + count), largest = *std::max_element(y, y + count);
      CHECK(set.largest(x, count) == most);
      const kernels::exponent of{most, log2e / 4}, other{largest, log2e / 4};
      double sum = 0.0, plain = 0.0, below = 0.0, teacher = 0.0, apart = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        const double a = static_cast<double>(x[i]) - most, b = static_cast<double>(y[i]) - largest;
        sum += std::exp2(a * of.rate);
        plain += std::exp(a);
        below += a;
        teacher += std::exp2(b * of.rate);
        apart += std::exp2(b * of.rate) * (b - a);
      }
      CHECK(set.sum(x, count, most) == doctest::Approx(below).epsilon(1e-6));
      CHECK(set.exponentials(x, count, of) == doctest::Approx(sum).epsilon(1e-6));
      for (const bool with_plain : {false, true}) {
        const auto sums = set.pair(x, y, count, of, other, with_plain);
        CHECK(sums.student == doctest::Approx(sum).epsilon(1e-6));
        CHECK(sums.teacher == doctest::Approx(teacher).epsilon(1e-6));
        CHECK(std::abs(sums.apart - apart) < 3e-6 * teacher);
        CHECK(sums.plain == (with_plain ? doctest::Approx(plain).epsilon(1e-6) : 0.0));
      }
      for (const kernels::row_gradient by :
           {kernels::row_gradient{.student = 2, .teacher = 1, .plain = 3, .constant = 0.5F},
            kernels::row_gradient{.student = 2, .teacher = 1}, kernels::row_gradient{.plain = 3}}) {
        std::vector<float> out(count + 1, 99.0F);
        set.gradient(x, by.student == 0.0F ? nullptr : y, count, of, other, by, out.data());
        CHECK(out[count] == 99.0F);
        for (std::size_t i = 0; i < count; ++i) {
          const double a = static_cast<double>(x[i]) - most,
                       b = static_cast<double>(y[i]) - largest;
          const double want = by.student * std::exp2(a * of.rate) -
                              by.teacher * std::exp2(b * of.rate) + by.plain * std::exp(a) +
                              by.constant;
          REQUIRE(std::abs(out[i] - want) < 1e-6);
        }
      }
    }
  });
}

TEST_CASE("exponentials far below the largest are 0, those of NaN are NaN, and rows end")
{
  constexpr float least = std::numeric_limits<float>::lowest();
  // A NaN with a payload, as memory that is not initialized may hold.
  const std::vector<float> nans{std::nanf(""), std::nanf("1"), -std::nanf("0x1ff")};
  for_sets([&](const auto& set) {
    for (const std::size_t count : {1U, 2U, 5U, 16U, 19U, 33U}) {
      CAPTURE(count);
      std::vector<float> x(count, least), zeros(count);
      CHECK(set.exponentials(x.data(), count, {0.0F, log2e}) == 0.0);
      CHECK(set.exponentials(x.data(), count, {least, log2e}) == static_cast<double>(count));
      CHECK(set.pair(zeros.data(), x.data(), count, {0.0F, log2e}, {0.0F, log2e}, false).apart ==
            0.0);
      std::fill(x.begin(), x.end(), -100.0F);
      CHECK(set.exponentials(x.data(), count, {0.0F, log2e}) == 0.0);
      for (const float each : nans) {
        zeros[count / 2] = each;
        CHECK(std::isnan(set.exponentials(zeros.data(), count, {0.0F, log2e})));
      }
    }
  });
}

TEST_CASE("kernels of correlations of probabilities")
{
  constexpr std::size_t rows = 150, classes = 60;
  constexpr float t = 2;
  const auto s = noise({rows, classes}, 1), u = noise({rows, classes}, 2);
  const auto inverse_of = [&](const torch::Tensor& x, const torch::Tensor& largest) {
    return (((x - largest.unsqueeze(1)).to(torch::kDouble) / t).exp().sum(1).reciprocal())
        .to(torch::kFloat);
  };
  const auto student_largest = s.amax(1), teacher_largest = u.amax(1);
  const auto student_inverse = inverse_of(s, student_largest),
             teacher_inverse = inverse_of(u, teacher_largest);
  const kernels::paired_rows of{s.const_data_ptr<float>(),
                                u.const_data_ptr<float>(),
                                rows,
                                classes,
                                log2e / t,
                                student_largest.const_data_ptr<float>(),
                                teacher_largest.const_data_ptr<float>(),
                                student_inverse.const_data_ptr<float>(),
                                teacher_inverse.const_data_ptr<float>()};
  const auto all_q = torch::softmax(s.to(torch::kDouble) / t, 1),
             all_p = torch::softmax(u.to(torch::kDouble) / t, 1);
  for_sets([&](const auto& set) {
    for (const std::size_t first : {0U, 7U})
      for (const std::size_t count : {1U, 3U, 8U, 15U, 16U, 17U, 50U}) {
        CAPTURE(first);
        CAPTURE(count);
        std::vector<float> q(rows * count), p(q), means(4 * count), some(3 * count, 5.0F);
        std::vector<double> sums(3 * count, 5.0);
        const auto part = [count](auto& x, std::size_t n) { return x.data() + n * count; };
        const kernels::columns columns{part(means, 0), part(means, 1), part(means, 2),
                                       part(means, 3)};
        set.probabilities(of, first, count, q.data(), p.data(), columns,
                          {part(sums, 0), part(sums, 1), part(sums, 2), part(some, 0),
                           part(some, 1), part(some, 2)});
        const auto want_q = all_q.narrow(1, whole(first), whole(count)),
                   want_p = all_p.narrow(1, whole(first), whole(count));
        check_close(matrix(q, rows, count), want_q, 1e-6);
        check_close(matrix(p, rows, count), want_p, 1e-6);
        const auto a = want_q - want_q.mean(0), b = want_p - want_p.mean(0);
        const auto found = matrix(means, 4, count), products = matrix(sums, 3, count);
        check_close(found[0], want_q.mean(0), 2e-6);
        check_close(found[1], want_p.mean(0), 2e-6);
        check_close(products[0], a.square().sum(0), 1e-6);
        check_close(products[1], b.square().sum(0), 1e-6);
        CHECK((products[2] - (a * b).sum(0)).abs().max().item<double>() <
              1e-6 * std::sqrt((products[0] * products[1]).max().item<double>()));

        std::fill_n(columns.teacher_factor, count, 3.0F);
        std::fill_n(columns.student_factor, count, 2.0F);
        columns.teacher_factor[count - 1] = 5.0F;
        const auto factors = matrix(means, 4, count);
        const auto in_column = b * factors[2] - a * factors[3];
        constexpr float mean = 1.0F / classes;
        std::vector<kernels::correlation_row> slopes;
        std::vector<float> out(rows * classes, 99.0F);
        for (std::size_t n = 0; n < rows; ++n) {
          const auto at = whole(n);
          const auto got = set.row_products(part(q, n), part(p, n), count, mean);
          const auto d = want_q[at] - mean, e = want_p[at] - mean;
          REQUIRE(got.student == doctest::Approx(d.square().sum().item<double>()).epsilon(5e-6));
          REQUIRE(got.teacher == doctest::Approx(e.square().sum().item<double>()).epsilon(5e-6));
          REQUIRE(std::abs(got.both - (d * e).sum().item<double>()) < 1e-6);
          REQUIRE(std::abs(set.column_product(part(q, n), part(p, n), count, columns) -
                           (want_q[at] * in_column[at]).sum().item<double>()) < 2e-6);
          slopes.push_back({.teacher = 1.5F, .student = 0.5F, .shift = 0.25F, .factor = 4.0F});
          slopes.back().shift += static_cast<float>(n);
        }
        set.correlation_gradient(of, first, count, columns, slopes.data(), -0.75F, out.data());
        auto want = torch::full({rows, classes}, 99.0, torch::kDouble);
        const auto shift = torch::arange(whole(rows)).unsqueeze(1) + 0.25;
        want.narrow(1, whole(first), whole(count)) =
            (in_column * -0.75 + (want_p - mean) * 1.5 - (want_q - mean) * 0.5 - shift) * want_q *
            4.0;
        check_close(matrix(out, rows, classes), want, 1e-6);
      }
  });
}

TEST_CASE("columns of equal probabilities have no sums of squares")
{
  constexpr std::size_t rows = 1000, classes = 21;
  const auto x = torch::zeros({rows, classes}), ones = torch::ones({rows});
  const auto largest = torch::zeros({rows}), inverse = ones / whole(classes);
  const auto* const none = largest.const_data_ptr<float>();
  const auto* const share = inverse.const_data_ptr<float>();
  const auto* const logits = x.const_data_ptr<float>();
  const kernels::paired_rows of{logits, logits, rows, classes, log2e, none, none, share, share};
  for_sets([&](const auto& set) {
    std::vector<float> q(rows * classes), p(q), means(4 * classes), some(3 * classes);
    std::vector<double> sums(3 * classes);
    set.probabilities(of, 0, classes, q.data(), p.data(),
                      {means.data(), means.data() + classes, nullptr, nullptr},
                      {sums.data(), sums.data() + classes, sums.data() + 2 * classes, some.data(),
                       some.data() + classes, some.data() + 2 * classes});
    for (const double each : sums) CHECK(each == 0.0);
    CHECK(means[0] == share[0]);
  });
}

TEST_CASE("kernels of distances and angles of examples")
{
  for_sets([&](const auto& set) {
    for (const std::size_t n : {2U, 5U, 16U, 19U})
      for (const std::size_t width : {1U, 3U, 16U, 17U, 1030U}) {
        CAPTURE(n);
        CAPTURE(width);
        const auto s = noise({whole(n), whole(width)}, 1), t = noise({whole(n), whole(width)}, 2);
        const auto by = noise({whole(n), whole(n)}, 3), w = noise({whole(n)}, 4).abs();
        const auto* const x = s.const_data_ptr<float>();
        std::vector<float> distances(n * n), pulled(n * width);
        for (std::size_t i = 0; i < n; ++i) {
          set.distances(x, n, width, i, distances.data() + i * n);
          set.pull(x, n, width, i, by.const_data_ptr<float>() + i * n, pulled.data() + i * width);
        }
        const auto apart = [](const torch::Tensor& of) {
          const auto d = of.to(torch::kDouble);
          return d.unsqueeze(1) - d.unsqueeze(0);
        };
        const auto d = apart(s).norm(2, 2), e = apart(t).norm(2, 2);
        check_close(matrix(distances, n, n), d, 1e-6);
        check_close(matrix(pulled, n, width),
                    (apart(s) * by.to(torch::kDouble).unsqueeze(2)).sum(1), 2e-6);

        // Lengths as shares of the largest, as the loss has them.
        struct shares {
          torch::Tensor square, inverse;
          explicit shares(const torch::Tensor& d)
              : square{(d / d.max()).square().to(torch::kFloat)},
                inverse{
                    (d.max() / d.masked_fill(d == 0, 1)).masked_fill(d == 0, 0).to(torch::kFloat)}
          {}
          [[nodiscard]] torch::Tensor sides() const
          {
            const auto u = inverse.to(torch::kDouble);
            return u.unsqueeze(2) * u.unsqueeze(1);
          }
          [[nodiscard]] torch::Tensor cosines() const
          {
            const auto q = square.to(torch::kDouble);
            return (q.unsqueeze(2) + q.unsqueeze(1) - q.unsqueeze(0)) * sides() / 2;
          }
          [[nodiscard]] kernels::lengths lengths() const
          {
            return {square.const_data_ptr<float>(), inverse.const_data_ptr<float>()};
          }
        };
        const shares student{d}, teacher{e * 0.5};
        const auto between = student.cosines() - teacher.cosines();
        const auto slope = between.clamp(-1, 1);
        for (const bool weighted : {false, true}) {
          const auto u = w.to(torch::kDouble);
          const auto times = weighted ? u.view({-1, 1, 1}) * u.view({1, -1, 1}) * u.view({1, 1, -1})
                                      : torch::ones({1}, torch::kDouble);
          const auto values = (between - slope / 2) * slope * times, slopes = slope * times;
          std::vector<float> sides(n * n), opposite(n * n), inverse(n * n);
          std::vector<double> found;
          for (std::size_t j = 0; j < n; ++j)
            found.push_back(set.angles(student.lengths(), teacher.lengths(),
                                       weighted ? w.const_data_ptr<float>() : nullptr, n, j,
                                       sides.data() + j * n, opposite.data() + j * n,
                                       inverse.data() + j * n));
          // Axes of the tensors: anchor i, sides j and k; rows of the kernel: j.
          check_close(matrix(found, 1, n)[0], values.sum(2).sum(0), 1e-4);
          const auto by_side = slopes * student.sides();
          check_close(matrix(sides, n, n), by_side.sum(2).t(), 1e-4);
          check_close(matrix(opposite, n, n), by_side.sum(0), 1e-4);
          check_close(matrix(inverse, n, n), (slopes * student.cosines()).sum(2).t(), 1e-4);
        }
      }
  });
}
