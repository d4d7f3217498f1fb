// expect: a data set that is referred to must outlive the reference
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/data/glyphs.hpp>
#include <rolewise/train/fit.hpp>

auto use()
{
#ifdef ROLEWISE_CONTROL
  static const auto data = rolewise::glyphs({});
  return rolewise::fit_options{.validation = data.test};
#else
  return rolewise::fit_options{.validation = rolewise::glyphs({}).test};
#endif
}
