# Warnings, linker, compiler cache and sanitizers: everything that is about how, not about what.
find_program(CCACHE ccache)
if(CCACHE)
  # Paths below the source folder count as relative, so that every checkout and preset shares what was compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1 ${CCACHE})
  execute_process(COMMAND dpkg-query --show lib*-dev nlohmann-json3-dev OUTPUT_VARIABLE packages ERROR_QUIET)
  string(SHA256 SEKISHO_PACKAGES "${packages}")
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers -Werror
                    -fno-omit-frame-pointer -fstack-protector-strong -fvisibility=hidden)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside libstdc++ and Boost, at -O2, where nothing is wrong.
  add_compile_options(-fcoroutines -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer -Wno-array-bounds
                      -Wno-stringop-overflow -Wno-stringop-overread -Wno-use-after-free -Wno-free-nonheap-object
                      -Wno-mismatched-new-delete)
  # ccache can share a precompiled header between build folders only with this.
  add_compile_options(-fpch-preprocess)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wno-deprecated-declarations)
endif()

set(SEKISHO_SANITIZE "" CACHE STRING "address,undefined or thread")
if(SEKISHO_SANITIZE)
  # Without the optimiser: half of the time that it takes to compile is more than what the tests lose by it.
  add_compile_options(-fsanitize=${SEKISHO_SANITIZE} -fno-sanitize-recover=all -O0 -g1)
  add_link_options(-fsanitize=${SEKISHO_SANITIZE})
  add_compile_definitions(SEKISHO_SANITIZED=1)
endif()

# A hardened binary by default.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options(-pie -Wl,-z,relro -Wl,-z,now)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1 -D_GLIBCXX_ASSERTIONS")
