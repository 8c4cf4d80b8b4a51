# Sourced, from the repository's root, by the checks of cameras whose library the program is linked with. `camera_features`
# prints the features of all such cameras whose library is here: the program is compiled once for all of them.
# shellcheck shell=bash
realsense_version=2.56.5.9235
realsense_cache=${XDG_CACHE_HOME:-$HOME/.cache}/crosscheck-realsense
realsense_library=$realsense_cache/$realsense_version/lib
export LIBRARY_PATH=$realsense_library${LIBRARY_PATH:+:$LIBRARY_PATH}
export LD_LIBRARY_PATH=$realsense_library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

camera_features() {
    local features=()
    if [ -e "$realsense_library/librealsense2.so" ]; then
        features+=(realsense)
    fi
    if ci/genicam/library.sh > /dev/null; then
        features+=(genicam)
    fi
    local IFS=,
    echo "${features[*]}"
}
