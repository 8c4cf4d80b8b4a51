# Adds the headers of JetPack 6's TensorRT (10.3) to the image of cross. Libraries are not needed, because the program opens
# them on the device. The headers are fetched from NVIDIA's repository for Jetson when the image is built.
ARG CROSS_BASE_IMAGE
FROM $CROSS_BASE_IMAGE

# L4T 36.4: JetPack 6.1 and 6.2.
ARG L4T=r36.4

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && curl -fsSL https://repo.download.nvidia.com/jetson/jetson-ota-public.asc -o /usr/share/keyrings/jetson.asc \
    && echo "deb [arch=arm64 signed-by=/usr/share/keyrings/jetson.asc] https://repo.download.nvidia.com/jetson/common $L4T main" \
        > /etc/apt/jetson.list \
    # Restricts apt to this repository and to the device's architecture.
    && echo 'Dir::Etc::sourcelist "/etc/apt/jetson.list"; Dir::Etc::sourceparts "-"; APT::Architecture "arm64";' > /etc/apt/jetson.conf \
    && APT_CONFIG=/etc/apt/jetson.conf apt-get update \
    && mkdir /opt/tensorrt && cd /opt/tensorrt \
    && APT_CONFIG=/etc/apt/jetson.conf apt-get download libnvinfer-headers-dev libnvonnxparsers-dev \
    && for package in *.deb; do dpkg -x "$package" . && rm "$package"; done \
    && test -f usr/include/aarch64-linux-gnu/NvInfer.h && test -f usr/include/aarch64-linux-gnu/NvOnnxParser.h \
    && rm -rf /var/lib/apt/lists/*

ENV TRT_INCLUDE_DIR=/opt/tensorrt/usr/include/aarch64-linux-gnu
