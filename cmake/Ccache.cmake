# ccache, where it is installed: what was compiled once, in any build directory or clone, is not compiled again.
# The sloppiness is what ccache asks for with precompiled headers.
if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(PANIER_CCACHE ccache)
  if(PANIER_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${PANIER_CCACHE})
  endif()
endif()
