// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "fuzz/policy_log_round_trips.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/policy/auto_augment_policies.hpp>
#include <rolewise/policy/sub_policy_text.hpp>
#include <rolewise/support/file.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace rw = rolewise;
namespace policies = rolewise::auto_augment_policies;
using rw::operation;

namespace {

using sub_policies = std::vector<rw::sub_policy>;

template<typename Error>
std::string what_of(const std::function<void()>& f)
{
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string complaint(const std::function<void()>& f) { return what_of<std::runtime_error>(f); }
std::string refusal(const std::function<void()>& f) { return what_of<std::invalid_argument>(f); }

/// A path in the temporary folder; the destructor removes the file.
class scratch_path {
 public:
  scratch_path()
      : path_{std::filesystem::temp_directory_path() /
              ("rolewise_sub_policies_" + std::to_string(::getpid()) + ".json")}
  {}
  scratch_path(const scratch_path&) = delete;
  scratch_path& operator=(const scratch_path&) = delete;
  ~scratch_path()
  {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("AutoAugment's policies are written by name and read back as the same values")
{
  for (const auto& policy : {policies::cifar10(), policies::imagenet(), policies::svhn()}) {
    const auto text = rw::json_text(policy);
    CHECK(rw::parse_sub_policies(text) == policy);
    const auto tree = nlohmann::json::parse(text);
    REQUIRE(tree["sub_policies"].size() == 25);
    for (std::size_t i = 0; i < 25; ++i) {
      REQUIRE(tree["sub_policies"][i].size() == 2);
      CHECK(tree["sub_policies"][i][1]["operation"] == rw::name(policy[i].second.what));
      CHECK(tree["sub_policies"][i][0]["probability"] == policy[i].first.probability);
      CHECK(tree["sub_policies"][i][0]["magnitude"] == policy[i].first.magnitude);
    }
    CHECK(rw::parse_sub_policies(tree.dump()) == policy);  // other order, no spaces

    const scratch_path file;
    rw::write_sub_policies(file.path(), policy);
    CHECK(rw::read_sub_policies(file.path()) == policy);
  }
  CHECK_FALSE(rw::parse_sub_policies(rw::json_text(policies::svhn())) == policies::cifar10());

  CHECK(rw::json_text(sub_policies{policies::cifar10()[1], {}}) == R"({
  "rolewise": "sub-policies",
  "version": 1,
  "sub_policies": [
    [{"operation": "Rotate", "probability": 7, "magnitude": 2}, {"operation": "TranslateX", "probability": 3, "magnitude": 9}],
    [{"operation": "Identity", "probability": 0, "magnitude": 0}, {"operation": "Identity", "probability": 0, "magnitude": 0}]
  ]
}
)");
}

TEST_CASE("every operation and level survives being written and read")
{
  sub_policies all;
  for (std::int64_t i = 0; i <= rw::policy_operations; ++i)  // the last one is identity
    for (std::int64_t level = 0; level <= 10; ++level)
      all.push_back({{static_cast<operation>(i), level, level % 10},
                     {operation::invert, 10 - level, (3 * level) % 10}});
  CHECK(rw::parse_sub_policies(rw::json_text(all)) == all);
}

TEST_CASE("a list of sub-policies prints a line for each")
{
  std::ostringstream out;
  out << sub_policies{policies::cifar10()[1], policies::cifar10()[14]};
  CHECK(out.str() ==
        "Rotate 0.7@2, TranslateX 0.3@9\n"
        "Solarize 0.5@2, Invert 0.0@3");
}

TEST_CASE("what is no list of sub-policies is not written")
{
  CHECK(refusal([] { (void)rw::json_text(sub_policies{}); }) ==
        "rolewise: json_text: got no sub-policy, want at least one");
  CHECK(refusal([] { (void)rw::json_text(sub_policies{{}, {{}, {operation::color, 11, 0}}}); }) ==
        "rolewise: json_text: probability level of Color in sub-policy 1 is 11, want 0 .. 10");
  CHECK(refusal([] { (void)rw::json_text(sub_policies{{{operation::color, 1, -1}, {}}}); }) ==
        "rolewise: json_text: magnitude level of Color in sub-policy 0 is -1, want 0 .. 9");
}

TEST_CASE("the JSON of sub-policies is read strictly")
{
  const auto says = [](const std::string& text) {
    return complaint([&] { (void)rw::parse_sub_policies(text, "s.json"); });
  };
  const auto of = [&](const std::string& list) {
    return says("{\"rolewise\": \"sub-policies\", \"version\": 1,\n\"sub_policies\": " + list +
                "}");
  };
  const std::string fine = "{\"operation\": \"Color\", \"probability\": 10, \"magnitude\": 9}";
  CHECK(of("[[" + fine + ", " + fine + "]]") == "accepted");
  CHECK(of("[]") == "rolewise: s.json:2:17: found no sub-policy, want at least one");
  CHECK(of("[[]]") == "rolewise: s.json:2:18: found no operation, want two");
  CHECK(of("[[" + fine + "]]") == "rolewise: s.json:2:18: found one operation, want two");
  CHECK(of("[[" + fine + ",\n" + fine + ",\n" + fine + "]]") ==
        "rolewise: s.json:4:1: found a third operation, want two");
  CHECK(of("[" + fine + "]") == "rolewise: s.json:2:18: found '{', want '['");
  CHECK(of("[[{\"operation\": \"Shear\"}]]") ==
        "rolewise: s.json:2:33: found the operation 'Shear', want one of a policy; is it "
        "'ShearX'?");
  CHECK(
      of("[[" + fine + ",\n{\"operation\": \"Color\", \"probability\": 11, \"magnitude\": 0}]]") ==
      "rolewise: s.json:3:39: probability level of Color in sub-policy 0 is 11, want 0 .. 10");
  CHECK(of("[[" + fine + "," + fine +
           "],\n[{\"operation\": \"Color\", \"probability\": 1, "
           "\"magnitude\": 10}]]") ==
        "rolewise: s.json:3:56: magnitude level of Color in sub-policy 1 is 10, want 0 .. 9");
  CHECK(of("[[{\"operation\": \"Color\"}]]") ==
        "rolewise: s.json:2:19: found no 'probability', want it once");
  CHECK(says("{\"rolewise\": \"policy\", \"version\": 1}") ==
        "rolewise: s.json:1:14: found the document 'policy', want 'sub-policies'");
  CHECK(says("{\"rolewise\": \"sub-policies\", \"version\": 1, \"operations\": []}") ==
        "rolewise: s.json:1:44: found 'operations', want one of rolewise, version, sub_policies");
  CHECK(says("") == "rolewise: s.json:1:1: found the end, want '{'");
}

TEST_CASE("no bytes crash the reader of sub-policies, and what it accepts round-trips")
{
  const auto text = rw::json_text(policies::svhn());
  CHECK(rw::testing::sub_policies_round_trip(text));
  CHECK_FALSE(rw::testing::sub_policies_round_trip("{\"rolewise\": \"policy\"}"));
  for (std::size_t end = 0; end + 2 < text.size(); ++end)
    CHECK_FALSE(rw::testing::sub_policies_round_trip(text.substr(0, end)));
  constexpr std::int64_t mutants = 3000;
  std::int64_t accepted = 0;
  for (std::int64_t i = 0; i < mutants; ++i) {
    const rw::draws of_mutant{rw::seed{4}.split(rw::purpose{"mutant"}), 0, i};
    auto mutant = text;
    const auto place =
        static_cast<std::size_t>(of_mutant.below(0, static_cast<std::int64_t>(text.size())));
    mutant[place] = static_cast<char>(of_mutant.below(1, 128));
    accepted += rw::testing::sub_policies_round_trip(mutant) ? 1 : 0;
  }
  CHECK(accepted > 0);
  CHECK(accepted < mutants / 4);
}
