//! Compiles the shim to TensorRT (feature `tensorrt`) for the headers that are there; nothing otherwise.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(tensorrt_headers, tensorrt_rtx_headers)");
    #[cfg(feature = "tensorrt")]
    tensorrt::compile();
}

#[cfg(feature = "tensorrt")]
mod tensorrt {
    use std::path::PathBuf;

    const SHIM: &str = "src/backend/tensorrt/shim.cpp";
    const OWN_HEADERS: &str = "src/backend/tensorrt/headers";

    /// Without headers the feature builds all the same: it says what is missing when it is asked for an engine.
    pub fn compile() {
        println!("cargo::rerun-if-changed={SHIM}");
        println!("cargo::rerun-if-changed={OWN_HEADERS}");
        let target = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
        // Where Debian's packages and JetPack's put them.
        let usual = PathBuf::from(format!("/usr/include/{target}-linux-gnu"));
        if let Some(folder) = headers("TRT_INCLUDE_DIR").or_else(|| usual.join("NvInfer.h").is_file().then_some(usual))
        {
            shim(folder, "crosscheck_tensorrt", &[]);
            println!("cargo::rustc-cfg=tensorrt_headers");
        }
        if let Some(folder) = headers("TRT_RTX_INCLUDE_DIR") {
            // Both shims may be in one program: see the shim's head.
            let apart = [("nvinfer1", "nvinfer1_rtx"), ("nvonnxparser", "nvonnxparser_rtx")];
            shim(folder, "crosscheck_tensorrt_rtx", &apart);
            println!("cargo::rustc-cfg=tensorrt_rtx_headers");
        }
    }

    fn headers(variable: &str) -> Option<PathBuf> {
        println!("cargo::rerun-if-env-changed={variable}");
        let folder = PathBuf::from(std::env::var_os(variable).filter(|value| !value.is_empty())?);
        if !folder.join("NvInfer.h").is_file() || !folder.join("NvOnnxParser.h").is_file() {
            println!("cargo::error={variable} is {}, which has no NvInfer.h and NvOnnxParser.h", folder.display());
        }
        Some(folder)
    }

    fn shim(folder: PathBuf, name: &str, renamed: &[(&str, &str)]) {
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut compiler = cc::Build::new();
        compiler.cpp(true).std("c++17").file(SHIM).include(OWN_HEADERS).flag("-isystem").flag(folder);
        compiler.flag("-fvisibility=hidden").warnings(true);
        renamed.iter().for_each(|(from, to)| {
            compiler.define(from, *to);
        });
        compiler.compile(name);
    }
}
