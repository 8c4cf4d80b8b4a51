//! How a call ended.

use std::ffi::c_char;

/// How a call ended. Whatever is not OK means that no frame was inspected: such a part is not known to be good, so reject it.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it was asked for.
    Ok = 0,
    /// An address that has to be given is NULL.
    NullPointer = 1,
    /// An address or a stride is not a multiple of what its values need.
    Misaligned = 2,
    /// struct_size, or defect_size, is not the size of the structure in this version.
    StructSize = 3,
    /// An image is empty or too large, or image and points differ in size.
    ImageSize = 4,
    /// A stride is shorter than a row, or the image would reach beyond the end of all addresses.
    Stride = 5,
    /// Fewer values fit into a buffer than are written.
    BufferSize = 6,
    /// A value is none of those that there are, or two do not go together: a frame has both points and a depth image, or
    /// neither.
    Option = 7,
    /// Another call with the same inspector has not ended yet. Nothing was done.
    Busy = 8,
    /// A file cannot be read.
    File = 9,
    /// The file is not an engine of this version, is damaged, or was not fitted yet.
    Engine = 10,
    /// The camera file is not valid, or is not that of these images.
    Camera = 11,
    /// The machine that was asked for is not there, or has failed.
    Machine = 12,
    /// The frame does not fit the engine: its points are in another unit, or its size is not that of the crop.
    Frame = 13,
    /// The library has a mistake: please report the text. The inspector can only be closed from now on.
    Internal = 14,
    /// An earlier call with this inspector ended with INTERNAL: close it, and open another.
    Poisoned = 15,
}

impl Status {
    const ALL: [(Self, &'static str); 16] = [
        (Self::Ok, "ok\0"),
        (Self::NullPointer, "null pointer\0"),
        (Self::Misaligned, "misaligned\0"),
        (Self::StructSize, "struct size\0"),
        (Self::ImageSize, "image size\0"),
        (Self::Stride, "stride\0"),
        (Self::BufferSize, "buffer size\0"),
        (Self::Option, "option\0"),
        (Self::Busy, "busy\0"),
        (Self::File, "file\0"),
        (Self::Engine, "engine\0"),
        (Self::Camera, "camera\0"),
        (Self::Machine, "machine\0"),
        (Self::Frame, "frame\0"),
        (Self::Internal, "internal\0"),
        (Self::Poisoned, "poisoned\0"),
    ];
}

/// A word or two for a crosscheck_status, as "null pointer"; "unknown" for a number that is none.
///
/// The text lives as long as the library. Any thread may call this at any time.
#[unsafe(no_mangle)]
pub extern "C" fn crosscheck_status_name(status: i32) -> *const c_char {
    let known = Status::ALL.iter().find(|(known, _)| *known as i32 == status);
    known.map_or("unknown\0", |(_, name)| name).as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn every_status_has_its_number_and_a_name() {
        for (number, (status, name)) in Status::ALL.iter().enumerate() {
            assert_eq!(*status as usize, number, "{name}");
        }
        let name = |status| {
            // SAFETY: the function returns a text that ends with a zero.
            unsafe { CStr::from_ptr(crosscheck_status_name(status)) }.to_str().unwrap()
        };
        assert_eq!((name(0), name(15), name(16), name(i32::MIN)), ("ok", "poisoned", "unknown", "unknown"));
    }
}
