# archon_tier(name SOURCES a.c ... HEADERS a.h ... NEEDS archon_base dep_zstd ...)
# One static library per folder. Headers are in a file set, so that each is compiled alone (target all_verify_interface_header_sets).
function(archon_tier name)
    cmake_parse_arguments(T "" "" "SOURCES;HEADERS;NEEDS" ${ARGN})
    if(T_SOURCES)
        add_library(archon_${name} STATIC ${T_SOURCES})
        target_sources(archon_${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${T_HEADERS})
        target_link_libraries(archon_${name} PUBLIC archon_flags ${T_NEEDS})
    else()
        add_library(archon_${name} INTERFACE)
        target_link_libraries(archon_${name} INTERFACE archon_flags ${T_NEEDS})
    endif()
endfunction()

# A test that hangs ends. Sanitizers make some ten times slower, and so does a busy machine.
set(ARCHON_TEST_SECONDS 300)
if(ARCHON_SANITIZE)
    set(ARCHON_TEST_SECONDS 1800)
endif()

# archon_test(layer module NEEDS archon_x ...): tests/unit/<layer>/test_<module>.c, ctest name unit.<module>.
function(archon_test layer module)
    cmake_parse_arguments(T "" "" "NEEDS;SOURCES" ${ARGN})
    add_executable(test_${module} "${CMAKE_SOURCE_DIR}/tests/unit/${layer}/test_${module}.c" ${T_SOURCES})
    target_link_libraries(test_${module} PRIVATE archon_flags ${T_NEEDS} cmocka)
    add_test(NAME unit.${module} COMMAND test_${module})
    set_tests_properties(unit.${module} PROPERTIES LABELS unit TIMEOUT ${ARCHON_TEST_SECONDS}
        ENVIRONMENT "ARCHON_SOURCE_DIR=${CMAKE_SOURCE_DIR};UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")
endfunction()

# archon_fuzz(parser NEEDS archon_x ...): tests/fuzz/fuzz_<parser>.c with tests/fuzz/corpus/<parser>/.
# With ARCHON_FUZZ it is a libFuzzer program; always it is also a replay of the corpus under ctest.
function(archon_fuzz parser)
    cmake_parse_arguments(T "" "" "NEEDS" ${ARGN})
    add_executable(replay_${parser} "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${parser}.c" "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
    target_link_libraries(replay_${parser} PRIVATE archon_flags ${T_NEEDS})
    add_test(NAME fuzz.${parser} COMMAND replay_${parser} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${parser}")
    set_tests_properties(fuzz.${parser} PROPERTIES LABELS "unit;fuzz" TIMEOUT ${ARCHON_TEST_SECONDS})
    if(ARCHON_FUZZ)
        add_executable(fuzz_${parser} "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${parser}.c")
        target_link_libraries(fuzz_${parser} PRIVATE archon_flags ${T_NEEDS})
        target_link_options(fuzz_${parser} PRIVATE -fsanitize=fuzzer)
    endif()
endfunction()
