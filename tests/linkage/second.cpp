// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/rolewise.hpp>
#include <rolewise/version.hpp>

const void* version_of_second_unit();
const void* version_of_second_unit() { return &rolewise::version; }
