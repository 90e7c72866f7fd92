# shellcheck shell=bash
# Build trees of the checkout, build/NAME, one per compiler and kind. Needs common.sh, packages.sh.

BUILDS=$CHECKOUT/build

# logged NAME COMMAND...: quiet when it works, everything it said when it does not.
logged() {
    local log=$BUILDS/log/$1.log
    shift
    mkdir -p "${log%/*}"
    if ! "$@" >"$log" 2>&1; then
        {
            grep -E '(error|warning): ' "$log" | sort -u | head -n 40 || true
            tail -n 15 "$log"
            printf 'the whole log is %s\n' "$log"
        } | tee -a "${FAILURES:-/dev/null}"
        return 1
    fi
}

build_settings() {
    case $1 in
    gcc) echo -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Release ;;
    clang) echo -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release ;;
    tidy) echo -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_EXPORT_COMPILE_COMMANDS=ON ;;
    faults) echo -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Release -DARCHON_FAULTS=ON ;;
    asan) echo -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug "-DARCHON_SANITIZE=address;undefined" ;;
    tsan) echo -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DARCHON_SANITIZE=thread ;;
    esac
}

configure_tree() {
    local name=$1 settings
    packages build tools db
    case $name in clang | tidy) packages clang ;; esac
    read -r -a settings < <(build_settings "$name")
    logged "configure-$name" cmake -S "$CHECKOUT" -B "$BUILDS/$name" -G Ninja -DARCHON_WERROR=ON "${settings[@]}"
}

# build_tree NAME [TARGET...]: configures and builds build/NAME; a second call in one run finds it done.
build_tree() {
    local name=$1
    configure_tree "$name" || return 1
    # Everything that does not compile is named, not only the first file.
    logged "build-$name" cmake --build "$BUILDS/$name" -j "$(nproc)" ${2:+--target "${@:2}"} -- -k 0
}

# build_programs NAME: the two programs as an installation has them, in build/NAME/installed.
build_programs() {
    build_tree "$1" archon-bundle archon-load && logged "install-$1" cmake --install "$BUILDS/$1" --prefix "$BUILDS/$1/installed"
}
