//! Opens TensorRT or TensorRT-RTX: finds the library, compares its version with that of the headers, and passes its log
//! on.

use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, PoisonError};

use super::error::TensorRtError;
use super::sys::{self, Shim};
use super::version::Version;

/// The number of the library's errors that are kept for the message of a failed call.
const ERRORS_MAX: usize = 8;

static ERRORS: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// One of the two libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Builds for the GPU at hand only.
    TensorRt,
    /// Builds for the GPUs of a compute capability, and needs no GPU itself.
    Rtx,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::TensorRt => "tensorrt",
            Self::Rtx => "tensorrt-rtx",
        }
    }

    /// The file names of the library and its parser, in this major version.
    fn files(self, major: i32) -> [String; 2] {
        match self {
            Self::TensorRt => ["nvinfer", "nvonnxparser"].map(|name| format!("lib{name}.so.{major}")),
            Self::Rtx => ["tensorrt_rtx", "tensorrt_onnxparser_rtx"].map(|name| format!("lib{name}.so.{major}")),
        }
    }
}

/// An opened library. It stays open until the program ends, as it has threads of its own.
#[derive(Clone, Copy)]
pub struct Library {
    pub(super) shim: &'static Shim,
    pub kind: Kind,
    pub version: Version,
    pub(super) create_builder: Entry,
    pub(super) create_runtime: Entry,
}

/// An entry point.
#[derive(Clone, Copy)]
pub(super) struct Entry(pub *mut c_void);

// SAFETY: it is the address of a function, which any thread may call.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Library {
    /// Opens each library that this program was built for and that is installed. If there is none, the error states
    /// why.
    pub fn all() -> Result<Vec<Self>, TensorRtError> {
        let (mut found, mut reasons) = (Vec::new(), Vec::new());
        for shim in sys::shims() {
            match Self::open(shim) {
                Ok(library) => found.push(library),
                Err(error) => reasons.push(error),
            }
        }
        match (found.is_empty(), reasons.into_iter().next()) {
            (false, _) => Ok(found),
            (true, Some(error)) => Err(error),
            (true, None) => Err(TensorRtError::NoHeaders),
        }
    }

    fn open(shim: &'static Shim) -> Result<Self, TensorRtError> {
        let kind = if shim.is_rtx == 0 { Kind::TensorRt } else { Kind::Rtx };
        let headers = Version(shim.version);
        let [file, _] = kind.files(headers.major());
        let library = load(&file)?;
        let version = entry(library, &file, c"getInferLibVersion")?;
        // SAFETY: this function is in every version of either library: it takes nothing and returns its version.
        let version = Version(unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> i32>(version.0)() });
        // The version is compared before any other call: with other headers, calls would reach other functions of a
        // class.
        if !version.fits(headers) {
            return Err(TensorRtError::Version { file, version, headers });
        }
        let create_builder = entry(library, &file, c"createInferBuilder_INTERNAL")?;
        let create_runtime = entry(library, &file, c"createInferRuntime_INTERNAL")?;
        // SAFETY: `log_line` has the signature that the shim declares, and never unwinds.
        unsafe { (shim.set_log)(log_line) };
        Ok(Self { shim, kind, version, create_builder, create_runtime })
    }

    /// The entry point of its ONNX parser, which only a build needs.
    pub(super) fn create_parser(&self) -> Result<Entry, TensorRtError> {
        let [_, file] = self.kind.files(self.version.major());
        entry(load(&file)?, &file, c"createNvOnnxParser_INTERNAL")
    }

    /// Name and version, as in `tensorrt 10.3.4`.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind.name(), self.version)
    }
}

fn load(file: &str) -> Result<&'static libloading::Library, TensorRtError> {
    // SAFETY: loads NVIDIA's library, whose start-up code is its own.
    let library = unsafe { libloading::Library::new(file) };
    let library = library.map_err(|error| TensorRtError::Missing { file: file.into(), reason: error.to_string() })?;
    // The library is never closed, as its own threads may still run its code.
    Ok(Box::leak(Box::new(library)))
}

fn entry(library: &'static libloading::Library, file: &str, name: &CStr) -> Result<Entry, TensorRtError> {
    // SAFETY: the symbol is a function, and is kept as an address only.
    let symbol = unsafe { library.get::<*mut c_void>(name.to_bytes_with_nul()) };
    let symbol = symbol.map_err(|error| TensorRtError::Missing { file: file.into(), reason: error.to_string() })?;
    Ok(Entry(*symbol))
}

/// Logs a message of the library, and keeps errors for [`errors`].
unsafe extern "C" fn log_line(severity: i32, message: *const c_char) {
    // SAFETY: the library passes a text that ends with a zero and lives during the call.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    match severity {
        ..=1 => {
            log::error!("TensorRT: {message}");
            // A thread that panicked while it held the lock left complete messages.
            let mut errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
            if errors.len() < ERRORS_MAX {
                errors.push_back(message.into_owned());
            }
        }
        2 => log::warn!("TensorRT: {message}"),
        3 => log::debug!("TensorRT: {message}"),
        _ => log::trace!("TensorRT: {message}"),
    }
}

/// Takes the errors that the library logged since the last call. If there are none, the text states that.
pub(super) fn errors() -> String {
    let mut errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    match errors.drain(..).collect::<Vec<_>>() {
        lines if lines.is_empty() => "the library gives no reason".into(),
        lines => lines.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        let version = Version(100_304);
        assert_eq!((version.to_string().as_str(), version.major()), ("10.3.4", 10));
        assert!(version.fits(Version(100_300)) && !version.fits(Version(100_400)) && !version.fits(Version(110_300)));
        assert_eq!(Kind::TensorRt.files(10), ["libnvinfer.so.10", "libnvonnxparser.so.10"]);
    }

    #[test]
    fn errors_of_the_library_are_kept_for_the_message_and_bounded() {
        for _ in 0..2 * ERRORS_MAX {
            // SAFETY: a text that ends with a zero.
            unsafe { log_line(1, c"node 3 (Gelu): not known".as_ptr()) };
        }
        assert_eq!(errors().matches("not known").count(), ERRORS_MAX);
        assert_eq!(errors(), "the library gives no reason");
    }
}
