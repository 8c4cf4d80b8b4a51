//! Checks which requirements of the GPU back ends are met.

use std::path::Path;

use super::finding::Finding;
use super::system::System;
use crate::backend::{self, BackendError, plans};
use crate::ownership;

/// The files of TensorRT and TensorRT-RTX.
const TENSORRT: [&str; 3] = ["libnvinfer.so.10", "libnvinfer.so.11", "libtensorrt_rtx.so.1"];

/// Folders in which Debian, Ubuntu, JetPack and CUDA's own installer put libraries.
const FOLDERS: [&str; 8] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/cuda/lib64",
    "/opt/tensorrt/lib",
];

pub fn examine(system: &System) -> Vec<Finding> {
    let mut findings = vec![cuda(system), tensorrt(system, backend::installed_tensorrt())];
    let folder = plans::folder(None).filter(|_| plans::ARE_READ);
    findings.extend(folder.and_then(|folder| plan_folder(&folder)));
    findings
}

/// Checks who may write the folder of plans, since plans are executed as code; none if there is no such folder.
fn plan_folder(folder: &Path) -> Option<Finding> {
    let name = "plans";
    match ownership::folder(folder) {
        Ok(found) => Some(Finding::ok(name, format!("only this user and root may write {}", found.display()))),
        Err(error) if error.is_absent() => None,
        Err(error) => {
            let found = format!("plans are executed as code, so those in {} are not used: {error}", folder.display());
            Some(Finding::warning(
                name,
                found,
                format!("correct the permissions of {} and of the folders above it", folder.display()),
            ))
        }
    }
}

fn cuda(system: &System) -> Finding {
    let name = "cuda";
    let driver = find(system, "libcuda.so.1");
    let jetson = system.read("/etc/nv_tegra_release").and_then(|text| text.lines().next().map(str::to_string));
    let device = ["/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu"].into_iter().find(|path| system.has(path));
    match (device, driver) {
        (Some(device), Some(driver)) => {
            let board = jetson.map_or(String::new(), |release| format!(", {release}"));
            Finding::ok(name, format!("GPU at {device}, driver library {driver}{board}"))
        }
        (Some(device), None) => Finding::warning(
            name,
            format!("GPU at {device}, but no libcuda.so.1"),
            "install the driver's user-space libraries (Debian: libcuda1; a Jetson: nvidia-l4t-cuda)",
        ),
        (None, Some(driver)) => Finding::warning(
            name,
            format!("driver library {driver}, but no GPU at /dev/nvidia0 or /dev/nvhost-gpu"),
            "load the driver (modprobe nvidia), or give the container or service access to the device",
        ),
        (None, None) => Finding::note(name, "no NVIDIA GPU was found: the CPU back end is used, which needs none"),
    }
}

/// `opened` are the libraries that the program could open, or why it could not: only then do the names of files count.
fn tensorrt(system: &System, opened: Result<Vec<String>, BackendError>) -> Finding {
    let name = "tensorrt";
    let file = TENSORRT.into_iter().find_map(|library| find(system, library));
    match (opened, file) {
        (Ok(libraries), _) => Finding::ok(name, format!("{} can be opened", libraries.join(" and "))),
        (Err(error @ BackendError::NoTensorRt), Some(file)) => {
            Finding::note(name, format!("{file} is there, but {error}"))
        }
        (Err(error), Some(file)) => Finding::warning(
            name,
            format!("{file} is there, but {error}"),
            "do what the message says; until then the networks run by the program's own kernels",
        ),
        (Err(error), None) => Finding::note(
            name,
            format!(
                "TensorRT was not found (libnvinfer.so.10): {error}; JetPack 6 has version 10.3 in the package tensorrt"
            ),
        ),
    }
}

fn find(system: &System, library: &str) -> Option<String> {
    FOLDERS.iter().map(|folder| format!("{folder}/{library}")).find(|path| system.has(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Status;

    #[test]
    fn half_an_installation_is_found() {
        let root = tempfile::tempdir().unwrap();
        let system = System::at(root.path());
        let put = |path: &str| {
            std::fs::create_dir_all(system.path(path).parent().unwrap()).unwrap();
            std::fs::write(system.path(path), "").unwrap();
        };
        assert_eq!(cuda(&system).status, Status::Note);
        put("/dev/nvidia0");
        assert_eq!(cuda(&system).status, Status::Warning);
        put("/usr/lib/x86_64-linux-gnu/libcuda.so.1");
        assert_eq!(cuda(&system).status, Status::Ok);
    }

    #[test]
    fn tensorrt_is_what_the_program_can_open() {
        let root = tempfile::tempdir().unwrap();
        let system = System::at(root.path());
        let none = tensorrt(&system, Err(BackendError::NoTensorRt));
        assert_eq!(none.status, Status::Note);
        let file = system.path("/usr/lib/aarch64-linux-gnu/libnvinfer.so.10");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
        let opened = tensorrt(&system, Ok(vec!["tensorrt 10.3.0".into(), "tensorrt-rtx 1.7.1".into()]));
        assert_eq!(opened, Finding::ok("tensorrt", "tensorrt 10.3.0 and tensorrt-rtx 1.7.1 can be opened"));
        // Without the feature the file is of no use; any other error is the installation's.
        let unused = tensorrt(&system, Err(BackendError::NoTensorRt));
        assert!(unused.status == Status::Note && unused.found.contains("libnvinfer.so.10 is there, but"), "{unused:?}");
        let broken = tensorrt(&system, Err(BackendError::NotFitted));
        assert!(broken.status == Status::Warning && broken.found.contains("libnvinfer.so.10 is there"), "{broken:?}");
    }

    #[test]
    fn a_folder_of_plans_that_others_may_write_is_warned_of() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("crosscheck");
        assert_eq!(plan_folder(&folder), None);
        std::fs::create_dir(&folder).unwrap();
        for (mode, status) in [(0o700, Status::Ok), (0o777, Status::Warning), (0o755, Status::Ok)] {
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(plan_folder(&folder).unwrap().status, status, "{mode:o}");
        }
    }
}
