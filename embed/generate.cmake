# Writes a C file with the bytes of some files and one function that lists them:
#     cmake -DOUT=x.c -DFUNCTION=embed_files -DROOT=dir -DFILES="a;b/c" -P generate.cmake
# A shell or Python would do it in fewer lines, but CMake is there wherever this is built.
list(SORT FILES COMPARE STRING CASE SENSITIVE)
set(arrays "")
set(rows "")
set(i 0)
foreach(path IN LISTS FILES)
    file(READ "${ROOT}/${path}" hex HEX)
    if(hex STREQUAL "")
        message(FATAL_ERROR "${ROOT}/${path}: is empty, and C has no empty arrays")
    endif()
    # 32 bytes a line.
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REPEAT "....." 32 line)
    string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const unsigned char file_${i}[] = {\n    ${bytes}\n};\n")
    string(APPEND rows "    { \"${path}\", file_${i}, sizeof file_${i} },\n")
    math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}.new"
"/* Made by embed/generate.cmake. */
#include \"embed/embed.h\"

${arrays}
static const struct embed_file files[] = {
${rows}};

const struct embed_file *${FUNCTION}(size_t *n)
{
    *n = sizeof files / sizeof *files;
    return files;
}
")
file(RENAME "${OUT}.new" "${OUT}")
