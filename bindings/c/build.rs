//! Gives the shared library the name by which programs find it when they start.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Until version 1 every minor version may change the interface (docs/c.md).
    let part = |name: &str| std::env::var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcrosscheck.so.{}.{}", part("MAJOR"), part("MINOR"));
}
