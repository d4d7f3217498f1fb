// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/measurement/implementation.hpp>
