# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A library of this machine under the names that Conan Center gives to it and to its targets.

stub.json beside this file has its folders, as lists: "include" and "lib", empty where the compiler knows them.
"""

import json
import os

from conan import ConanFile
from conan.tools.files import load

# The package: the file and the target of CMake, the libraries.
packages = {
    "libtorch": ("Torch", "libtorch::libtorch", ["torch", "torch_cpu", "c10"]),
    "range-v3": ("range-v3", "range-v3::range-v3", []),
    "zlib": ("ZLIB", "ZLIB::ZLIB", ["z"]),
    "libpng": ("PNG", "PNG::PNG", ["png"]),
    "libjpeg-turbo": ("JPEG", "JPEG::JPEG", ["jpeg"]),
}


class Stub(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    exports = "stub.json"

    def package_info(self):
        file, target, libraries = packages[self.name]
        folders = json.loads(load(self, os.path.join(self.recipe_folder, "stub.json")))
        self.cpp_info.set_property("cmake_file_name", file)
        if self.name == "libjpeg-turbo":
            self.cpp_info.set_property("cmake_target_name", "libjpeg-turbo::libjpeg-turbo")
            info = self.cpp_info.components["jpeg"]
        else:
            info = self.cpp_info
        info.set_property("cmake_target_name", target)
        info.includedirs = folders["include"]
        info.libdirs = folders["lib"]
        if folders["lib"]:
            info.libs = libraries
            info.exelinkflags = [f"-Wl,-rpath,{folder}" for folder in folders["lib"]]
        else:
            info.system_libs = libraries
