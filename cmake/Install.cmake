# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What is installed: headers, laws, the config for find_package(), where it was built the compiled library; and a .deb by `cpack`.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(folder ${CMAKE_INSTALL_DATADIR}/cmake/rolewise)
configure_package_config_file(cmake/rolewise-config.cmake.in rolewise-config.cmake INSTALL_DESTINATION ${folder})
set(any_architecture ARCH_INDEPENDENT)
if(ROLEWISE_BUILD_COMPILED)
    set(any_architecture "")
endif()
write_basic_package_version_file(rolewise-config-version.cmake COMPATIBILITY SameMinorVersion ${any_architecture})

install(TARGETS rolewise EXPORT rolewise-targets FILE_SET HEADERS)
install(EXPORT rolewise-targets NAMESPACE rolewise:: DESTINATION ${folder})
install(TARGETS rolewise_laws EXPORT rolewise-laws-targets)
install(EXPORT rolewise-laws-targets NAMESPACE rolewise:: DESTINATION ${folder})
install(FILES ${laws} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rolewise/laws)
if(ROLEWISE_BUILD_COMPILED)
    install(TARGETS rolewise_compiled EXPORT rolewise-compiled-targets)
    install(EXPORT rolewise-compiled-targets NAMESPACE rolewise:: DESTINATION ${folder})
endif()
install(FILES ${PROJECT_BINARY_DIR}/rolewise-config.cmake ${PROJECT_BINARY_DIR}/rolewise-config-version.cmake cmake/LibTorch.cmake
        DESTINATION ${folder})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(PROJECT_IS_TOP_LEVEL)
    set(CPACK_GENERATOR DEB)
    set(CPACK_PACKAGE_NAME librolewise-dev)
    set(CPACK_PACKAGE_CONTACT "The rolewise authors")
    set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
    set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
    set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
    set(CPACK_DEBIAN_PACKAGE_DEPENDS "librange-v3-dev, zlib1g-dev, libpng-dev, libjpeg-dev")
    set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libtorch-dev)  # one of pip or of pytorch.org will do as well
    set(CPACK_DEBIAN_PACKAGE_SUGGESTS doctest-dev)
    if(NOT ROLEWISE_BUILD_COMPILED)
        set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
    endif()
    include(CPack)
endif()
