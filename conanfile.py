# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Conan 2 recipe: `conan create . -s compiler.cppstd=20 --build=missing`."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class Rolewise(ConanFile):
    name = "rolewise"
    description = "Role-wise knowledge distillation on LibTorch"
    license = "Apache-2.0 WITH LLVM-exception"
    topics = ("knowledge-distillation", "quantization", "data-augmentation", "libtorch", "header-only")
    package_type = "header-library"
    implements = ["auto_header_only"]
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "tests/laws/*"
    no_copy_source = True

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include", "rolewise", "version.hpp"))
        self.version = ".".join(re.findall(r"#define ROLEWISE_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("libtorch/[>=2.6 <3]")
        self.requires("range-v3/[>=0.12 <1]")
        self.requires("zlib/[>=1.2.11 <2]")
        self.requires("libpng/[>=1.6 <2]")
        self.requires("libjpeg-turbo/[>=2.1 <4]")

    def validate(self):
        check_min_cppstd(self, 20)

    def generate(self):
        toolchain = CMakeToolchain(self)
        # Of a header-only package nothing is built, and nothing is looked for.
        for what in ("TESTS", "EXAMPLES", "BENCH", "COMPILED"):
            toolchain.cache_variables[f"ROLEWISE_BUILD_{what}"] = False
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "share", "doc"))
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # The package's own config: it finds a LibTorch of Conan and one of [platform_requires].
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "rolewise")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.requires = ["libtorch::libtorch", "range-v3::range-v3", "zlib::zlib", "libpng::libpng",
                                  "libjpeg-turbo::jpeg"]
