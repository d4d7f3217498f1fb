// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Namespaces. `rolewise` holds the parts of a pipeline: batches, losses, quantizers, networks,
/// teachers, students, policies, agents, training. What stands around a pipeline has a namespace of
/// its own, so that `using namespace rolewise` brings in none of its short words:
/// `rolewise::support`, `search`, `measurement`, `report`, `systems`. The `detail` of each sees the
/// library's.

namespace rolewise::detail {}
namespace rolewise::support::detail {
using namespace rolewise::detail;
}
namespace rolewise::search::detail {
using namespace rolewise::detail;
}
namespace rolewise::measurement::detail {
using namespace rolewise::detail;
}
namespace rolewise::report::detail {
using namespace rolewise::detail;
}
namespace rolewise::systems::detail {
using namespace rolewise::detail;
}
