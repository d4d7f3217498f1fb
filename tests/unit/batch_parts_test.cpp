// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/core/batch_parts.hpp>

#include <cstdint>
#include <stdexcept>
#include <vector>

using namespace rolewise;

namespace {

batch numbered(std::int64_t first, std::int64_t count)
{
  batch made;
  made.ids = torch::arange(first, first + count);
  made.inputs = made.ids.to(torch::kFloat).view({-1, 1}) * 10;
  made.labels = made.ids.remainder(3);
  made.weights = made.ids.to(torch::kFloat) + 1;
  made.view = {.number = 1, .count = 2};
  return made;
}

void is_numbered(const batch& found, const std::vector<std::int64_t>& ids)
{
  const auto wanted = torch::tensor(ids);
  CHECK(torch::equal(found.ids, wanted));
  CHECK(torch::equal(found.inputs, wanted.to(torch::kFloat).view({-1, 1}) * 10));
  CHECK(torch::equal(found.labels, wanted.remainder(3)));
  CHECK(torch::equal(found.weights, wanted.to(torch::kFloat) + 1));
  CHECK_FALSE(found.partners.defined());
  CHECK_FALSE(found.mask.defined());
}

}  // namespace

TEST_CASE("parts of a batch have all that belongs to their examples")
{
  const auto all = numbered(0, 6);
  const auto part = examples_between(all, 2, 3);
  is_numbered(part, {2, 3, 4});
  CHECK(part.inputs.is_alias_of(all.inputs));
  CHECK(part.view == all.view);

  const auto some = examples_at(all, torch::tensor({5, 0, 5}));
  is_numbered(some, {5, 0, 5});
  CHECK(some.view == view_number{});
}

TEST_CASE("batches are joined in their order, if they have the same members")
{
  const auto all = joined({numbered(4, 2), numbered(0, 1)});
  is_numbered(all, {4, 5, 0});
  CHECK(all.view == view_number{});

  auto without = numbered(0, 1);
  without.weights = torch::Tensor{};
  CHECK_THROWS_WITH_AS((void)joined({numbered(4, 2), without}),
                       "rolewise: joined: 1 of 2 views have weights, want all or none",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)joined({}), "rolewise: joined: want one view or more, got none",
                       std::invalid_argument);
}
