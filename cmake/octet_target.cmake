# What every target of ours is compiled with. Third-party headers come in as SYSTEM and are not held to it.
add_library(octet_options INTERFACE)
target_include_directories(octet_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(octet_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(octet_options INTERFACE -Wno-restrict)  # false alarms in std::string: GCC bug 105651
endif()

# Contracting a*b+c to one rounding would make results depend on the instruction set.
target_compile_options(octet_options INTERFACE -ffp-contract=off)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(octet_options INTERFACE -march=x86-64-v2)
endif()
if(OCTET_WERROR)
  target_compile_options(octet_options INTERFACE -Werror)
endif()
if(OCTET_SANITIZE)
  target_compile_options(octet_options INTERFACE -fsanitize=${OCTET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(octet_options INTERFACE -fsanitize=${OCTET_SANITIZE})
endif()
