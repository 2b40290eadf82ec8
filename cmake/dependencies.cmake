find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(ldns REQUIRED IMPORTED_TARGET ldns)
pkg_check_modules(idn2 REQUIRED IMPORTED_TARGET libidn2)

add_library(sekisho_dependencies INTERFACE)
target_include_directories(sekisho_dependencies INTERFACE ${PROJECT_SOURCE_DIR})
target_include_directories(sekisho_dependencies SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(sekisho_dependencies INTERFACE
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE
  BOOST_ASIO_HAS_STD_INVOKE_RESULT=1
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16
  SEKISHO_VERSION="${PROJECT_VERSION}")
target_link_libraries(sekisho_dependencies INTERFACE
  Threads::Threads OpenSSL::SSL OpenSSL::Crypto CURL::libcurl fmt::fmt nlohmann_json::nlohmann_json yaml-cpp
  prometheus-cpp::core CLI11::CLI11 PkgConfig::nghttp2 PkgConfig::cares
  PkgConfig::ldns PkgConfig::idn2)
