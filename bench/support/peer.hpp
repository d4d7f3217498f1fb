// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `peer`: a Python program that is measured in turn with ours.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace bench {

/// A Python script that replies to each line of its standard input with one line. The interpreter
/// is that of the environment variable ROLEWISE_PYTHON, otherwise python3.
class peer {
 public:
  explicit peer(const std::string& script)
  {
    std::signal(SIGPIPE, SIG_IGN);  // once the script has ended, `ask` returns nothing
    int questions[2], answers[2];
    if (pipe(questions) != 0 || pipe(answers) != 0) return;
    child_ = fork();
    if (child_ == 0) {
      dup2(questions[0], STDIN_FILENO);
      dup2(answers[1], STDOUT_FILENO);
      for (const int end : {questions[0], questions[1], answers[0], answers[1]}) close(end);
      const char* python = std::getenv("ROLEWISE_PYTHON");
      if (python == nullptr) python = "python3";
      execlp(python, python, script.c_str(), static_cast<char*>(nullptr));
      std::_Exit(127);
    }
    close(questions[0]);
    close(answers[1]);
    to_ = fdopen(questions[1], "w");
    from_ = fdopen(answers[0], "r");
  }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  ~peer()
  {
    if (to_ != nullptr) std::fclose(to_);
    if (from_ != nullptr) std::fclose(from_);
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }

  /// Sends a request and returns the script's number; nothing if the reply is no number or the
  /// script has ended.
  [[nodiscard]] std::optional<double> ask(const std::string& question)
  {
    if (to_ == nullptr || from_ == nullptr) return std::nullopt;
    if (std::fprintf(to_, "%s\n", question.c_str()) < 0 || std::fflush(to_) != 0)
      return std::nullopt;
    char line[256];
    if (std::fgets(line, sizeof line, from_) == nullptr) return std::nullopt;
    char* end = nullptr;
    const double number = std::strtod(line, &end);
    if (end == line) return std::nullopt;
    return number;
  }

 private:
  pid_t child_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace bench
