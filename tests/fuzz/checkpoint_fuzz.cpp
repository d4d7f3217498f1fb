// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fuzz target: parses any bytes as a safetensors file, its metadata as values of a checkpoint, and
// the whole as a checkpoint; what is accepted has to come back from its own bytes. Needs clang and
// `-DROLEWISE_BUILD_FUZZERS=ON`.
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/detail/state_reader.hpp>
#include <rolewise/train/detail/state_text.hpp>
#include <rolewise/train/detail/state_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

using namespace rolewise::detail;

void require(bool holds)
{
  if (!holds) std::abort();
}

std::string bytes_of_file(const rolewise::support::safetensors& content)
{
  return safetensors_bytes(safetensors_header(content), content);
}

void read_as_safetensors(const std::string& bytes)
try {
  const auto content = safetensors_reader{owned(bytes), "file"}.read();
  for (const auto& [name, text] : content.metadata) try {
      const auto value = value_of_text(text);
      require(text_of_value(value_of_text(text_of_value(value))) == text_of_value(value));
    } catch (const json_error&) {
    }
  const auto again = bytes_of_file(content);
  require(bytes_of_file(safetensors_reader{owned(again), "file"}.read()) == again);
} catch (const std::runtime_error&) {
}

void read_as_checkpoint(const std::string& bytes)
try {
  const auto again = encode(state_reader{owned(bytes), "file"}.read());
  require(encode(state_reader{owned(again), "file"}.read()) == again);
} catch (const std::runtime_error&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count)
{
  const std::string text{reinterpret_cast<const char*>(bytes), count};
  read_as_safetensors(text);
  read_as_checkpoint(text);
  return 0;
}
