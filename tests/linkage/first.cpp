// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With second.cpp: every header in two translation units of one program. A definition that is not
// inline fails to link; one that is not shared by both units has two addresses.

#include <rolewise/rolewise.hpp>
#include <rolewise/version.hpp>

#include <iostream>

const void* version_of_second_unit();

int main()
{
  if (version_of_second_unit() == &rolewise::version) return 0;
  std::cerr << "rolewise::version has two addresses\n";
  return 1;
}
