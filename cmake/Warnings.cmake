# What our own code is compiled with; libraries come in as SYSTEM and are not judged.
# Warnings become errors through the presets (CMAKE_COMPILE_WARNING_AS_ERROR), never for someone who packages us.
add_library(panier_warnings INTERFACE)
target_compile_options(panier_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                                                 -Woverloaded-virtual)
if(PANIER_SANITIZE)
  add_compile_options(-fsanitize=${PANIER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PANIER_SANITIZE})
endif()
