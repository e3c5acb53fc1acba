# Migrations travel inside the binary: a container or a copied executable has no schema/ directory beside it.
#
#   panier_embed_sql(panier_store_sqlite ledger_migrations NAMESPACE panier::store::sqlite
#                    FILES ${PROJECT_SOURCE_DIR}/schema/sqlite/*_ledger_*.sql)
#
# gives the target's own sources <ledger_migrations.hpp>:
#
#   namespace panier::store::sqlite {
#   inline constexpr std::array<std::pair<std::string_view, std::string_view>, N> ledger_migrations; // file name, text
#   }
#
# in the order of the files' numbers, which must run 001, 002, .. without a gap: the schema version that a file leads
# to is its place. FILES takes glob patterns. A file's text is kept as it is; splitting it into statements is the
# adapter's business.
if(CMAKE_SCRIPT_MODE_FILE)
  # Build time: cmake -DOUT=.. -DNAMESPACE=.. -DSYMBOL=.. -DFILES=a;b -P EmbedSql.cmake
  list(LENGTH FILES count)
  set(text "// Made from schema/ by cmake/EmbedSql.cmake.\n#pragma once\n\n#include <array>\n#include <string_view>\n")
  string(APPEND text "#include <utility>\n\nnamespace ${NAMESPACE} {\n")
  string(APPEND text "inline constexpr std::array<std::pair<std::string_view, std::string_view>, ${count}> ${SYMBOL}{{\n")
  foreach(file IN LISTS FILES)
    cmake_path(GET file FILENAME name)
    file(READ ${file} sql)
    string(APPEND text "{\"${name}\", R\"panier_sql(${sql})panier_sql\"},\n")
  endforeach()
  string(APPEND text "}};\n} // namespace ${NAMESPACE}\n")
  file(WRITE ${OUT} "${text}")
  return()
endif()

set(PANIER_EMBED_SQL_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(panier_embed_sql target symbol)
  cmake_parse_arguments(PARSE_ARGV 2 EMBED "" "NAMESPACE" "FILES")
  file(GLOB files CONFIGURE_DEPENDS ${EMBED_FILES})
  list(SORT files COMPARE NATURAL)
  set(place 0)
  foreach(file IN LISTS files)
    math(EXPR place "${place} + 1")
    cmake_path(GET file FILENAME name)
    if(NOT name MATCHES "^0*${place}_")
      message(FATAL_ERROR "${name}: migrations are numbered from 001 without a gap; number ${place} was expected")
    endif()
  endforeach()
  if(place EQUAL 0)
    message(FATAL_ERROR "${symbol}: no migration matches ${EMBED_FILES}")
  endif()
  set(directory ${PROJECT_BINARY_DIR}/generated/${target})
  set(header ${directory}/${symbol}.hpp)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DOUT=${header} -DNAMESPACE=${EMBED_NAMESPACE} -DSYMBOL=${symbol} "-DFILES=${files}" -P
            ${PANIER_EMBED_SQL_SCRIPT}
    DEPENDS ${files} ${PANIER_EMBED_SQL_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${header})
  target_include_directories(${target} PRIVATE ${directory})
endfunction()
