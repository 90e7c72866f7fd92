# Foreign libraries. Each is linked only by the folders that own its door (docs/DEPENDENCIES.md).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(pair "libarchive;libarchive" "zstd;libzstd" "isal;libisal" "curl;libcurl" "crypto;libcrypto" "ssl;libssl"
             "pq;libpq" "cjson;libcjson" "yaml;yaml-0.1" "zlib;zlib")
    list(GET pair 0 name)
    list(GET pair 1 module)
    pkg_check_modules(dep_${name} REQUIRED IMPORTED_TARGET ${module})
    add_library(dep_${name} INTERFACE)
    # Headers of others are system headers: their warnings are not ours.
    target_link_libraries(dep_${name} INTERFACE ${dep_${name}_LINK_LIBRARIES})
    target_include_directories(dep_${name} SYSTEM INTERFACE ${dep_${name}_INCLUDE_DIRS})
endforeach()
