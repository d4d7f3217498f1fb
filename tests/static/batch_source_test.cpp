// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/class_groups.hpp>
#include <rolewise/data/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace rolewise::source_must;
using rolewise::batch;
using rolewise::batch_memory;
using rolewise::batch_options;
using rolewise::batch_source_pointer;
using rolewise::batch_source_reference;
using rolewise::BatchSource;
using rolewise::sample_shape;

struct no_batches {
  batch operator()(std::int64_t, batch_memory&) const { return {}; }
};

struct least_that_conforms {
  std::string name;
  sample_shape shape;
  [[nodiscard]] std::int64_t size() const { return 0; }
  [[nodiscard]] no_batches epoch(const batch_options&) const { return {}; }
  [[nodiscard]] std::uint64_t fingerprint() const { return 0; }
};
static_assert(BatchSource<least_that_conforms>);
static_assert(!rolewise::counts_batches<least_that_conforms>());

struct with_functions {
  [[nodiscard]] static const char* name() { return "functions"; }
  [[nodiscard]] static sample_shape shape() { return {}; }
  [[nodiscard]] std::int64_t size() const { return 0; }
  [[nodiscard]] std::int64_t batch_count(const batch_options&) const { return 0; }
  [[nodiscard]] auto epoch(const batch_options&) const
  {
    return [](std::int64_t, batch_memory&) { return batch{}; };
  }
  [[nodiscard]] std::uint64_t fingerprint() const { return 0; }
};
static_assert(BatchSource<with_functions>);
static_assert(rolewise::counts_batches<with_functions>());

static_assert(BatchSource<rolewise::dataset>);
static_assert(BatchSource<rolewise::class_groups>);
static_assert(BatchSource<batch_source_reference>);

// A reference or a pointer is made of a source, and of nothing else.
static_assert(std::is_convertible_v<const least_that_conforms&, batch_source_reference>);
static_assert(std::is_convertible_v<rolewise::dataset&, batch_source_reference>);
static_assert(!std::is_convertible_v<batch, batch_source_reference>);
static_assert(!std::is_convertible_v<std::vector<batch>, batch_source_reference>);
static_assert(std::is_convertible_v<rolewise::dataset*, batch_source_pointer>);
static_assert(std::is_convertible_v<const with_functions*, batch_source_pointer>);
static_assert(std::is_convertible_v<std::nullptr_t, batch_source_pointer>);
static_assert(!std::is_convertible_v<const batch*, batch_source_pointer>);

// Each of these violates one requirement.

struct uncounted {
  std::string name;
  sample_shape shape;
  [[nodiscard]] no_batches epoch(const batch_options&) const { return {}; }
  [[nodiscard]] std::uint64_t fingerprint() const { return 0; }
};
static_assert(!count_the_examples_of_an_epoch<uncounted>);
static_assert(!BatchSource<uncounted>);

struct unnamed {
  sample_shape shape;
  [[nodiscard]] std::int64_t size() const { return 0; }
  [[nodiscard]] no_batches epoch(const batch_options&) const { return {}; }
  [[nodiscard]] std::uint64_t fingerprint() const { return 0; }
};
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(!BatchSource<unnamed>);

struct shapeless {
  std::string name;
  [[nodiscard]] std::int64_t size() const { return 0; }
  [[nodiscard]] no_batches epoch(const batch_options&) const { return {}; }
  [[nodiscard]] std::uint64_t fingerprint() const { return 0; }
};
static_assert(!tell_the_shape_of_an_example<shapeless>);
static_assert(!BatchSource<shapeless>);

struct unrecognizable {
  std::string name;
  sample_shape shape;
  [[nodiscard]] std::int64_t size() const { return 0; }
  [[nodiscard]] no_batches epoch(const batch_options&) const { return {}; }
};
static_assert(!have_a_fingerprint<unrecognizable>);
static_assert(!BatchSource<unrecognizable>);

struct without_epochs {
  std::string name;
  sample_shape shape;
  [[nodiscard]] std::int64_t size() const { return 0; }
  [[nodiscard]] std::uint64_t fingerprint() const { return 0; }
};
static_assert(!begin_an_epoch<without_epochs>);
static_assert(!BatchSource<without_epochs>);

struct changed_by_its_epochs : without_epochs {
  [[nodiscard]] no_batches epoch(const batch_options&) { return {}; }
};
static_assert(!begin_an_epoch<changed_by_its_epochs>);
static_assert(!BatchSource<changed_by_its_epochs>);

struct with_epochs_that_change : without_epochs {
  struct counting {
    batch operator()(std::int64_t, batch_memory&) { return {}; }
  };
  [[nodiscard]] counting epoch(const batch_options&) const { return {}; }
};
static_assert(!make_the_batch_of_a_step<with_epochs_that_change::counting>);
static_assert(!BatchSource<with_epochs_that_change>);

struct with_epochs_without_memory : without_epochs {
  struct forgetful {
    batch operator()(std::int64_t) const { return {}; }
  };
  [[nodiscard]] forgetful epoch(const batch_options&) const { return {}; }
};
static_assert(!make_the_batch_of_a_step<with_epochs_without_memory::forgetful>);
static_assert(!BatchSource<with_epochs_without_memory>);

}  // namespace
