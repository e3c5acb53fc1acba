# What our own code is compiled with; libraries come in as SYSTEM and are not judged.
# Warnings become errors through the presets (CMAKE_COMPILE_WARNING_AS_ERROR), never for someone who packages us.
add_library(panier_warnings INTERFACE)
target_compile_options(panier_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                                                 -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 at -O2 sees writes past std::string's own buffer where there are none (GCC bugs 105329, 105651).
  target_compile_options(panier_warnings INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
                                                   -Wno-stringop-overread)
endif()
if(PANIER_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With a sanitizer's own code in between, g++ takes what is initialised for what may not be.
    target_compile_options(panier_warnings INTERFACE -Wno-maybe-uninitialized)
  endif()
  add_compile_options(-fsanitize=${PANIER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PANIER_SANITIZE})
endif()
